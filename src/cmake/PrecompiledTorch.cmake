# explaind_precompiled_torch(TARGET LINKED…): where TARGET links LibTorch, itself or through a room, its sources begin with a
# precompiled <ATen/ATen.h>, one for the whole build. A source that includes it then takes 2.6 s of a core instead of 10.7 s.
file(WRITE ${CMAKE_BINARY_DIR}/precompiled_torch.cpp "// Only there because a target needs a source.\n")
add_library(explaind_precompiled_torch OBJECT ${CMAKE_BINARY_DIR}/precompiled_torch.cpp)
target_link_libraries(explaind_precompiled_torch PRIVATE LibTorch::torch explaind_warnings)
# ccache reads the preprocessed source, in which the header has to be one line.
target_compile_options(explaind_precompiled_torch PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
target_precompile_headers(explaind_precompiled_torch PRIVATE <ATen/ATen.h>)
# What links LibTorch: it, and each target for which this function was called and found one of these.
set_property(GLOBAL PROPERTY EXPLAIND_LINKING_TORCH LibTorch::torch)

function(explaind_precompiled_torch name)
  get_property(linking_torch GLOBAL PROPERTY EXPLAIND_LINKING_TORCH)
  foreach(linked IN LISTS ARGN)
    if(linked IN_LIST linking_torch)
      target_precompile_headers(${name} REUSE_FROM explaind_precompiled_torch)
      target_compile_options(${name} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
      set_property(GLOBAL APPEND PROPERTY EXPLAIND_LINKING_TORCH ${name})
      return()
    endif()
  endforeach()
endfunction()
