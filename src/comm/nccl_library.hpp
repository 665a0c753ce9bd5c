#pragma once
// The functions of libnccl that are used, found at run time: one program runs with and without it.
// Included by the sources that are built with nccl.h alone.

#include <nccl.h>

#include <string>

namespace explaind {

struct NcclLibrary {
  /// name: a file, or empty for the system's libnccl. Throws Error that says what is missing. A
  /// library stays loaded to the end of the process, since it has threads of its own.
  explicit NcclLibrary(const std::string& name);

  decltype(&ncclGetUniqueId) get_unique_id = nullptr;
  decltype(&ncclCommInitRankConfig) init_rank = nullptr;
  decltype(&ncclCommGetAsyncError) async_error = nullptr;
  decltype(&ncclAllGather) all_gather = nullptr;
  decltype(&ncclCommFinalize) finalize = nullptr;
  decltype(&ncclCommDestroy) destroy = nullptr;
  decltype(&ncclCommAbort) abort = nullptr;
  decltype(&ncclGetErrorString) error_string = nullptr;
  decltype(&ncclGetLastError) last_error = nullptr;
};

}  // namespace explaind
