#pragma once
// What a rank may take of its device's memory.

#include <cstdint>

#include "comm/communicator.hpp"
#include "config/decompose_options.hpp"
#include "decomposition/device.hpp"

namespace explaind {

/// Bytes: --device-memory, or this rank's share of nine tenths of what is free; 0 where it computes
/// on the processor. Not collective.
int64_t device_budget(const DecomposeOptions& options, const Device& device,
                      const HostPlace& place);

}  // namespace explaind
