#pragma once
// What a stand-in for a device wants to know of kernels that run as ordinary functions.

#include <initializer_list>

namespace explaind::cuda_on_host {

/// Called with the pointers that a kernel is given, before all its blocks run, and after them;
/// null: nobody wants to know.
inline void (*before_launch)(std::initializer_list<const void*>) = nullptr;
inline void (*after_launch)() = nullptr;

}  // namespace explaind::cuda_on_host
