# LibTorch out of the PyPI wheel, CPU libraries only: targets LibTorch::torch.
# find_package(Torch) of a CUDA wheel insists on a CUDA toolkit; linking torch_cpu and c10 does not need one.
# Input: EXPLAIND_LIBTORCH, a folder that holds `torch/` (default: build/deps/libtorch, made by launch/setup.sh).
set(EXPLAIND_LIBTORCH "$ENV{EXPLAIND_LIBTORCH}" CACHE PATH "Folder holding torch/include and torch/lib")
if(NOT EXPLAIND_LIBTORCH)
  set(EXPLAIND_LIBTORCH ${CMAKE_SOURCE_DIR}/build/deps/libtorch)
endif()
find_path(LibTorch_INCLUDE_DIR ATen/ATen.h HINTS ${EXPLAIND_LIBTORCH}/torch/include NO_DEFAULT_PATH)
find_library(LibTorch_torch_cpu torch_cpu HINTS ${EXPLAIND_LIBTORCH}/torch/lib NO_DEFAULT_PATH)
find_library(LibTorch_c10 c10 HINTS ${EXPLAIND_LIBTORCH}/torch/lib NO_DEFAULT_PATH)

include(FindPackageHandleStandardArgs)
set(LibTorch_FIND_QUIETLY ON)
find_package_handle_standard_args(LibTorch REQUIRED_VARS LibTorch_torch_cpu LibTorch_c10 LibTorch_INCLUDE_DIR)
if(LibTorch_FOUND AND NOT TARGET LibTorch::torch)
  # The wheel's own runtime dependencies (CUDA runtime and CUPTI) lie beside it; libtorch_cpu's RUNPATH finds them, the
  # linker has to be told.
  file(GLOB LibTorch_NVIDIA_DIRS ${EXPLAIND_LIBTORCH}/nvidia/*/lib)
  get_filename_component(LibTorch_LIBRARY_DIR ${LibTorch_torch_cpu} DIRECTORY)
  add_library(LibTorch::torch INTERFACE IMPORTED)
  set_target_properties(LibTorch::torch PROPERTIES
    INTERFACE_LINK_LIBRARIES "${LibTorch_torch_cpu};${LibTorch_c10}"
    INTERFACE_COMPILE_DEFINITIONS "_GLIBCXX_USE_CXX11_ABI=1")
  # Searched after the system's folders: the wheel brings its own copies of fmt and others, which must not win over the installed ones.
  target_compile_options(LibTorch::torch INTERFACE
    "SHELL:-idirafter ${LibTorch_INCLUDE_DIR}" "SHELL:-idirafter ${LibTorch_INCLUDE_DIR}/torch/csrc/api/include")
  set(LibTorch_LINK_OPTIONS "")
  foreach(dir IN LISTS LibTorch_NVIDIA_DIRS LibTorch_LIBRARY_DIR)
    list(APPEND LibTorch_LINK_OPTIONS "LINKER:-rpath-link,${dir}" "LINKER:-rpath,${dir}")
  endforeach()
  set_target_properties(LibTorch::torch PROPERTIES INTERFACE_LINK_OPTIONS "${LibTorch_LINK_OPTIONS}")
endif()
