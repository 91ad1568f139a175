# -DDDGATE_SANITIZE=address,undefined or =thread, for every object and the link.
set(DDGATE_SANITIZE "" CACHE STRING "Sanitizers, comma separated")
if(DDGATE_SANITIZE)
  add_compile_options(-fsanitize=${DDGATE_SANITIZE} -fno-sanitize-recover=all -g)
  add_link_options(-fsanitize=${DDGATE_SANITIZE})
endif()
if(DDGATE_SANITIZE MATCHES "thread")
  add_library(tsan_c11_threads OBJECT cmake/tsan_c11_threads.c)
  link_libraries($<TARGET_OBJECTS:tsan_c11_threads>)
endif()
# Fuzzers are guided by what the code under test does, so all of it is instrumented, not the fuzzers alone.
if(DDGATE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
