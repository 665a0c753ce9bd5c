# Compiler warnings, sanitizers, and the compile-time helpers that are used when present (ccache, mold).
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

find_program(EXPLAIND_CCACHE ccache)
if(EXPLAIND_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Without these ccache refuses to keep what was compiled with a precompiled header (PrecompiledTorch.cmake).
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${EXPLAIND_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${EXPLAIND_CCACHE})
endif()
find_program(EXPLAIND_MOLD mold)
if(EXPLAIND_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 12.1)
  add_link_options(-fuse-ld=mold)
endif()

add_library(explaind_warnings INTERFACE)
target_compile_options(explaind_warnings INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-Wall;-Wextra;-Wconversion>)
# Sources are compiled several at a time, since half of a source's time goes to its headers. Names that a source keeps to itself (in an
# unnamed namespace) must therefore be its room's own. -DEXPLAIND_UNITY=OFF compiles each alone, as clang-tidy sees them.
option(EXPLAIND_UNITY "Compile several sources of a room at once" ON)
if(EXPLAIND_UNITY)
  # A name that a neighbour keeps to itself is shadowed by nobody, and no header.
  target_compile_options(explaind_warnings INTERFACE $<$<COMPILE_LANGUAGE:C>:-Wshadow>
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wshadow=local;-Wno-subobject-linkage>)
else()
  target_compile_options(explaind_warnings INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-Wshadow>)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms on std::string's operator+ (GCC bug 105651).
  target_compile_options(explaind_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()
if(EXPLAIND_WARNINGS_AS_ERRORS)
  target_compile_options(explaind_warnings INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-Werror>
    $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings>)
endif()

# One library is shared (Install.cmake), so everything may lie anywhere; names of ours are nobody's to replace.
add_compile_options($<$<COMPILE_LANGUAGE:C,CXX>:-fPIC> $<$<COMPILE_LANGUAGE:C,CXX>:-fno-semantic-interposition>
  "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-Xcompiler -fPIC>")

set(EXPLAIND_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined")
if(EXPLAIND_SANITIZE)
  add_compile_options($<$<COMPILE_LANGUAGE:C,CXX>:-fsanitize=${EXPLAIND_SANITIZE}> $<$<COMPILE_LANGUAGE:C,CXX>:-fno-omit-frame-pointer>
    $<$<COMPILE_LANGUAGE:C,CXX>:-fno-sanitize-recover=undefined>)
  add_link_options(-fsanitize=${EXPLAIND_SANITIZE})
endif()

# Everything counts the branches it takes, by which libFuzzer finds inputs, and is watched by sanitizers; main is the targets' own.
if(EXPLAIND_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "EXPLAIND_FUZZ needs clang with its compiler-rt: -DCMAKE_C_COMPILER=clang-14 -DCMAKE_CXX_COMPILER=clang++-14 (launch/setup.sh --tests installs it).")
  endif()
  add_compile_options($<$<COMPILE_LANGUAGE:C,CXX>:-fsanitize=fuzzer-no-link,address,undefined> $<$<COMPILE_LANGUAGE:C,CXX>:-fno-sanitize-recover=undefined>
    $<$<COMPILE_LANGUAGE:C,CXX>:-fno-omit-frame-pointer>)
  add_link_options(-fsanitize=address,undefined)
endif()
