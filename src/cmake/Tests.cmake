# Data of the tests. A second tree that names the first one's shares its compiled tests.
set(EXPLAIND_TEST_DATA ${CMAKE_SOURCE_DIR}/tests/goldens CACHE PATH "Goldens of the tests")

# explaind_test(NAME SOURCES … LINK …)             one ctest entry, a plain GoogleTest program
# explaind_mpi_test(NAME RANKS 1 2 … SOURCES … LINK …)  one ctest entry per rank count, under mpirun (main: tests/mpi/mpi_main.cpp)
# explaind_script_test(NAME COMMAND …)             a script of tests/system run as a user would (bash or the test Python)
# ob1: the transport of one machine. Open MPI would look for fabrics first, for 0.2 s at every start.
set(EXPLAIND_TEST_ENVIRONMENT OMP_NUM_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_pml=ob1)

# Seconds on two cores of the tests that take long. ctest begins with the longest, so that the cores end together.
set(EXPLAIND_TEST_COSTS
    parameters_tests 80  sweeps_tests 30  training_axis_tests 70  threads 100  parts 60  checkpoint_forms 60  ranks_bitwise 75  device_rehearsal 55
    parameter_scores 60  no_flock 60  optimizer_steps 50  pytorch_recorder 50  standard_output 50  training_axis 45  stop 60  memory_plan 50
    two_at_once 55  disk_full 50  impossible_options 40  plan 40  decompose_run 40  recorder_refusals 40  bad_input 40  outside_readers 35
    unreadable 30  exactness 30  stand_in_device_tests 30  resume 30  text_tokens 25  tokenizer_json 25  steps 20  rank_faults 20  device_on_host_tests 20
    stop_moments 35  lost_rank 45  heartbeats_tests 18  given_resources 15  tensors_tests 15  training_axis_memory 15  record_run 15  record_transformers 15  query 15  record_replay 12  failing_rank 10
    collectives_tests.4 9  collectives_tests.3 9  collectives_tests.2 9)

# explaind_cost(TEST…): tells ctest.
function(explaind_cost)
  foreach(test IN LISTS ARGN)
    list(FIND EXPLAIND_TEST_COSTS ${test} at)
    if(NOT at EQUAL -1)
      math(EXPR at "${at} + 1")
      list(GET EXPLAIND_TEST_COSTS ${at} seconds)
      set_tests_properties(${test} PROPERTIES COST ${seconds})
    endif()
  endforeach()
endfunction()

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
  explaind_cost(${name})
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
    explaind_cost(${name}.${ranks})
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
  explaind_cost(${name})
endfunction()
