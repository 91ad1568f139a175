# Checks that are not C: tests/lint/<what>.py on the source tree, tests/e2e/test_<what>.py on the real binary. `live` ones bring real
# clients and servers (they download them once into .cache/); those that are compiled first or take long (test_live_compiled*.py) have the
# label `compiled`, too, and are left out of the preset `release`: `make live` runs them.
find_program(PYTHON3 python3)
if(NOT PYTHON3) # `make test` brings it; `make run` needs none
  return()
endif()
file(GLOB LINTS CONFIGURE_DEPENDS lint/*.py)
foreach(file ${LINTS})
  get_filename_component(name ${file} NAME_WE)
  add_test(NAME lint.${name} COMMAND ${PYTHON3} ${file} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(lint.${name} PROPERTIES LABELS lint TIMEOUT 120 ENVIRONMENT "DDGATE_BINARY=$<TARGET_FILE:ddgate>")
endforeach()

file(GLOB E2E CONFIGURE_DEPENDS e2e/test_*.py)
foreach(file ${E2E})
  get_filename_component(name ${file} NAME_WE)
  string(REPLACE "test_" "" name ${name})
  add_test(NAME e2e.${name} COMMAND ${CMAKE_SOURCE_DIR}/.venv-test/bin/python -m pytest ${file} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(e2e.${name} PROPERTIES LABELS e2e TIMEOUT 900
    ENVIRONMENT "DDGATE_BINARY=$<TARGET_FILE:ddgate>;PYTHONDONTWRITEBYTECODE=1")
  if(name MATCHES "^live")
    set_tests_properties(e2e.${name} PROPERTIES LABELS live)
  endif()
  if(name MATCHES "^live_compiled")
    set_tests_properties(e2e.${name} PROPERTIES LABELS "live;compiled" TIMEOUT 3600)
  endif()
endforeach()
