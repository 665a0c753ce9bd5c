#pragma once
// inspect --check: the doctor's verdict on a series.

#include "comm/communicator.hpp"
#include "config/read_options.hpp"

namespace explaind {

/// Prints the table, or JSON. Returns 0 where nothing was found, else 1. @collective over world
int inspect_check(const InspectOptions& options, const Communicator& world);

}  // namespace explaind
