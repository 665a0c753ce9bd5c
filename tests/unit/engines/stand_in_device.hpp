#pragma once
// A device that is not there, for tests of the device path on machines without one.

#include <cstddef>

#include "tensors/device.hpp"

namespace explaind::testing {

/// A device whose memory is a part of this process's that ordinary code may not touch: it can be
/// read and written only while an operation of LibTorch, a copy or one of the twins of the kernels
/// (as an ordinary function) runs on it. So whatever a real device would not forgive fails here:
/// - a pointer into its memory followed by the host: a segmentation fault;
/// - an operation on tensors of both places: an exception that names the operation;
/// - an operation that has no algorithm with fixed order of addition on CUDA devices: likewise;
/// - memory used by two streams, the second of which does not wait for the first: likewise.
/// Results are the processor's.
Device stand_in_device();

/// Operations that have run on it since the program began: 0 where all stayed on the host.
size_t stand_in_operations();

}  // namespace explaind::testing
