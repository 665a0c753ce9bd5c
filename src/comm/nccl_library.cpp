#include "comm/nccl_library.hpp"

#include <dlfcn.h>

#include "core/error.hpp"

namespace explaind {
namespace {

constexpr const char* remedy =
    "Put its folder on LD_LIBRARY_PATH (PyTorch's wheel brings it as nvidia-nccl), or use "
    "--device cpu";

template <typename Function>
void find(void* library, const std::string& name, const char* symbol, Function& function) {
  void* found = dlsym(library, symbol);
  if (found == nullptr) throw Error(name, std::string("has no ") + symbol, remedy);
  function = reinterpret_cast<Function>(found);
}

}  // namespace

NcclLibrary::NcclLibrary(const std::string& given) {
  const std::string name = given.empty() ? "libnccl.so.2" : given;
  void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) throw Error("NCCL", dlerror(), remedy);
  find(library, name, "ncclGetUniqueId", get_unique_id);
  find(library, name, "ncclCommInitRankConfig", init_rank);
  find(library, name, "ncclCommGetAsyncError", async_error);
  find(library, name, "ncclAllGather", all_gather);
  find(library, name, "ncclCommFinalize", finalize);
  find(library, name, "ncclCommDestroy", destroy);
  find(library, name, "ncclCommAbort", abort);
  find(library, name, "ncclGetErrorString", error_string);
  find(library, name, "ncclGetLastError", last_error);
}

}  // namespace explaind
