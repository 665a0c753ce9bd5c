# Data of the tests. A second tree that names the first one's shares its compiled tests.
set(EXPLAIND_TEST_DATA ${CMAKE_SOURCE_DIR}/tests/goldens CACHE PATH "Goldens of the tests")

# explaind_test(NAME SOURCES … LINK …)             one ctest entry, a plain GoogleTest program
# explaind_mpi_test(NAME RANKS 1 2 … SOURCES … LINK …)  one ctest entry per rank count, under mpirun (main: tests/mpi/mpi_main.cpp)
# explaind_script_test(NAME COMMAND …)             a script of tests/system run as a user would (bash or the test Python)
set(EXPLAIND_TEST_ENVIRONMENT OMP_NUM_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1)

# Of a test's own code little is worth optimizing; of the rooms it tests everything is optimized as a user has it.
add_library(explaind_test_options INTERFACE)
target_compile_options(explaind_test_options INTERFACE $<$<AND:$<CONFIG:Release>,$<COMPILE_LANG_AND_ID:CXX,GNU>>:-O1>)

function(explaind_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;LINK" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 600)
  endif()
  add_executable(${name} ${T_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_definitions(${name} PRIVATE EXPLAIND_TEST_DATA="${EXPLAIND_TEST_DATA}")
  target_link_libraries(${name} PRIVATE ${T_LINK} GTest::gmock GTest::gtest_main explaind_warnings explaind_test_options)
  explaind_precompiled_torch(${name} ${T_LINK})
  explaind_unity(${name})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT} ENVIRONMENT "${EXPLAIND_TEST_ENVIRONMENT}")
endfunction()

# A test of devices: where they are missing its cases say SKIPPED, and so does ctest.
function(explaind_skippable name)
  set_tests_properties(${name} PROPERTIES SKIP_REGULAR_EXPRESSION "\\[  SKIPPED \\]")
endfunction()

function(explaind_mpi_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "RANKS;SOURCES;LINK" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 600)
  endif()
  add_executable(${name} ${T_SOURCES} ${CMAKE_SOURCE_DIR}/tests/mpi/mpi_main.cpp)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_definitions(${name} PRIVATE EXPLAIND_TEST_DATA="${EXPLAIND_TEST_DATA}")
  target_link_libraries(${name} PRIVATE ${T_LINK} comm GTest::gmock GTest::gtest explaind_warnings explaind_test_options)
  explaind_precompiled_torch(${name} ${T_LINK})
  explaind_unity(${name})
  foreach(ranks IN LISTS T_RANKS)
    add_test(NAME ${name}.${ranks} COMMAND timeout -k 5 ${T_TIMEOUT} ${MPIEXEC_EXECUTABLE} --quiet --oversubscribe --bind-to none
             -n ${ranks} $<TARGET_FILE:${name}> --ranks=${ranks})
    set_tests_properties(${name}.${ranks} PROPERTIES TIMEOUT ${T_TIMEOUT} PROCESSORS ${ranks}
                         ENVIRONMENT "${EXPLAIND_TEST_ENVIRONMENT}")
  endforeach()
endfunction()

function(explaind_script_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "COMMAND" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 900) # for a hang, not for speed: machines are shared
  endif()
  add_test(NAME ${name} COMMAND ${T_COMMAND})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT} SKIP_RETURN_CODE 77
    ENVIRONMENT "${EXPLAIND_TEST_ENVIRONMENT};EXPLAIND=$<TARGET_FILE:explaind>;MPIRUN=${MPIEXEC_EXECUTABLE};EXPLAIND_SOURCE=${CMAKE_SOURCE_DIR}")
endfunction()
