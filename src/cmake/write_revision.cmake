# cmake -DSOURCE=DIR -DOUTPUT=FILE [-DREVISION=TEXT] -P write_revision.cmake: writes revision.cpp, only where it changed.
# TEXT is for a tree without its history, as images are built from (-DEXPLAIND_REVISION).
set(revision "unknown")
if(REVISION)
  set(revision "${REVISION}")
else()
  find_package(Git QUIET)
endif()
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --dirty --abbrev=12 --exclude=*
    WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE found RESULT_VARIABLE failed
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT failed)
    set(revision ${found})
  endif()
endif()
set(text "#include \"core/revision.hpp\"\n\nnamespace explaind {\nstd::string_view revision() { return \"${revision}\"; }\n}  // namespace explaind\n")
set(old "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} old)
endif()
if(NOT old STREQUAL text)
  file(WRITE ${OUTPUT} "${text}")
endif()
