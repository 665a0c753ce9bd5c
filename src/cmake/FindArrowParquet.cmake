# Apache Arrow and Parquet out of the PyPI wheel pyarrow: target ArrowParquet::parquet. The wheel's libraries have a version in their
# names and no link without it.
# Input: EXPLAIND_ARROW, a folder that holds `pyarrow/` (default: build/deps/arrow, made by launch/setup.sh).
set(EXPLAIND_ARROW "$ENV{EXPLAIND_ARROW}" CACHE PATH "Folder holding pyarrow/include and pyarrow/libarrow.so.*")
set(ArrowParquet_ROOT ${EXPLAIND_ARROW})
if(NOT ArrowParquet_ROOT)
  set(ArrowParquet_ROOT ${CMAKE_SOURCE_DIR}/build/deps/arrow)
endif()
find_path(ArrowParquet_INCLUDE_DIR parquet/arrow/reader.h HINTS ${ArrowParquet_ROOT}/pyarrow/include NO_DEFAULT_PATH)
foreach(name IN ITEMS arrow parquet)
  file(GLOB found ${ArrowParquet_ROOT}/pyarrow/lib${name}.so.*)
  list(SORT found)
  if(found)
    list(GET found 0 ArrowParquet_${name})
  endif()
endforeach()

include(FindPackageHandleStandardArgs)
set(ArrowParquet_FIND_QUIETLY ON)
find_package_handle_standard_args(ArrowParquet REQUIRED_VARS ArrowParquet_arrow ArrowParquet_parquet ArrowParquet_INCLUDE_DIR)
if(ArrowParquet_FOUND AND NOT TARGET ArrowParquet::parquet)
  add_library(ArrowParquet::parquet INTERFACE IMPORTED)
  set_target_properties(ArrowParquet::parquet PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${ArrowParquet_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES "${ArrowParquet_parquet};${ArrowParquet_arrow}")
endif()
