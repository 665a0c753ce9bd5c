# One shared library of all rooms, of which only the public interface can be seen, the program, and a CMake package:
#   cmake --install build/release --prefix DIR      then, elsewhere, find_package(explaind) and explaind::explaind
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

file(WRITE ${CMAKE_BINARY_DIR}/public.cpp "// Only there because a target needs a source.\n")
add_library(explaind_shared SHARED ${CMAKE_BINARY_DIR}/public.cpp)
set_target_properties(explaind_shared PROPERTIES OUTPUT_NAME explaind EXPORT_NAME explaind VERSION ${PROJECT_VERSION} SOVERSION 1
  INSTALL_RPATH_USE_LINK_PATH ON)
target_include_directories(explaind_shared INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(explaind_shared INTERFACE cxx_std_17)
# The room whole, what it needs of the others; names of theirs stay inside.
target_link_libraries(explaind_shared PRIVATE -Wl,--whole-archive $<TARGET_FILE:api> -Wl,--no-whole-archive)
target_link_libraries(explaind_shared PRIVATE api)
target_link_options(explaind_shared PRIVATE -Wl,--version-script=${CMAKE_SOURCE_DIR}/src/api/public.map)
set_property(TARGET explaind_shared APPEND PROPERTY LINK_DEPENDS ${CMAKE_SOURCE_DIR}/src/api/public.map)
add_library(explaind::explaind ALIAS explaind_shared)

install(TARGETS explaind_shared EXPORT explaind LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(PROGRAMS ${CMAKE_BINARY_DIR}/explaind DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/explaind DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT explaind NAMESPACE explaind:: FILE explaindTargets.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/explaind)
file(WRITE ${CMAKE_BINARY_DIR}/explaindConfig.cmake "include(\${CMAKE_CURRENT_LIST_DIR}/explaindTargets.cmake)\n")
write_basic_package_version_file(${CMAKE_BINARY_DIR}/explaindConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/explaindConfig.cmake ${CMAKE_BINARY_DIR}/explaindConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/explaind)
