# explaind_unity(TARGET): its sources are compiled eight at a time (EXPLAIND_UNITY).
function(explaind_unity name)
  set_target_properties(${name} PROPERTIES UNITY_BUILD ${EXPLAIND_UNITY} UNITY_BUILD_BATCH_SIZE 8)
endfunction()

# explaind_room(NAME SOURCES a.cpp … LINK room|library …)
#
# One static library per room. A room's headers are reachable as "NAME/header.hpp" only through its own include folder
# (build/…/rooms/NAME/NAME → src/NAME), so that including a room that is not in LINK does not compile.
function(explaind_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;LINK" ${ARGN})
  set(root ${CMAKE_BINARY_DIR}/rooms/${name})
  file(MAKE_DIRECTORY ${root})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/src/${name} ${root}/${name} SYMBOLIC)
  if(ROOM_SOURCES)
    add_library(${name} STATIC ${ROOM_SOURCES})
    target_include_directories(${name} PUBLIC ${root})
    target_link_libraries(${name} PUBLIC ${ROOM_LINK} PRIVATE explaind_warnings)
    set_target_properties(${name} PROPERTIES OUTPUT_NAME explaind_${name})
    explaind_precompiled_torch(${name} ${ROOM_LINK})
    explaind_unity(${name})
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${root})
    target_link_libraries(${name} INTERFACE ${ROOM_LINK})
  endif()
  add_library(explaind::${name} ALIAS ${name})
endfunction()
