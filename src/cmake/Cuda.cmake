# CUDA and NCCL: used where they are found. EXPLAIND_CUDA=AUTO|ON|OFF; sets EXPLAIND_CUDA to ON or OFF for the rooms, and
# EXPLAIND_NCCL likewise.
set(EXPLAIND_CUDA AUTO CACHE STRING "Build for CUDA devices: AUTO (where nvcc is found), ON (fail where it is not), OFF")
set_property(CACHE EXPLAIND_CUDA PROPERTY STRINGS AUTO ON OFF)
set(EXPLAIND_NCCL OFF)

if(NOT EXPLAIND_CUDA STREQUAL "OFF")
  find_program(EXPLAIND_NVCC nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH PATHS /usr/local/cuda PATH_SUFFIXES bin)
  if(EXPLAIND_NVCC)
    set(EXPLAIND_CUDA ON)
    set(CMAKE_CUDA_COMPILER ${EXPLAIND_NVCC})
    if(NOT CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES 80 90)  # A100; H100, H200
    endif()
    if(EXPLAIND_CCACHE AND NOT CMAKE_CUDA_COMPILER_LAUNCHER)
      set(CMAKE_CUDA_COMPILER_LAUNCHER ${EXPLAIND_CCACHE})
    endif()
    enable_language(CUDA)
    if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # older CMakes do not know it of newer toolkits
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
    endif()
    # nvcc's host compiler searches these itself; named again they would come in the wrong order.
    list(APPEND CMAKE_CUDA_IMPLICIT_INCLUDE_DIRECTORIES ${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES})
    # Kernels are plain objects; what they need is linked by name (CUDA::cudart_static).
    set(CMAKE_CUDA_RUNTIME_LIBRARY None)
    set(CMAKE_CUDA_IMPLICIT_LINK_LIBRARIES "")
    find_package(CUDAToolkit REQUIRED)
    find_path(NCCL_INCLUDE_DIR nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
    if(NCCL_INCLUDE_DIR)
      set(EXPLAIND_NCCL ON)
      add_library(NCCL::nccl INTERFACE IMPORTED)  # types alone: the library is loaded at run time
      set_target_properties(NCCL::nccl PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${NCCL_INCLUDE_DIR}")
    endif()
  elseif(EXPLAIND_CUDA STREQUAL "ON")
    message(FATAL_ERROR "EXPLAIND_CUDA=ON, and nvcc was not found. Install the CUDA toolkit (12.8 or newer), put nvcc on PATH, or leave EXPLAIND_CUDA at AUTO.")
  else()
    set(EXPLAIND_CUDA OFF)
  endif()
endif()
message(STATUS "CUDA: ${EXPLAIND_CUDA}, NCCL: ${EXPLAIND_NCCL}")
