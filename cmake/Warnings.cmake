# Warnings are errors only where CI asks (-DDDGATE_WERROR=ON): a newer compiler must not break a user's build.
option(DDGATE_WERROR "Treat warnings as errors" OFF)
add_library(ddgate_flags INTERFACE)
target_compile_options(ddgate_flags INTERFACE
  -Wall -Wextra -Wshadow -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wpointer-arith
  -Wformat=2 -Wno-unused-parameter -fno-omit-frame-pointer $<$<BOOL:${DDGATE_WERROR}>:-Werror>)
