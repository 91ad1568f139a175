# The libraries that the program stands on; Debian package names are in .ci/packages.txt.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(DEPS REQUIRED IMPORTED_TARGET
  libprotobuf-c libcurl libpcre2-8 libconfig libmicrohttpd libnghttp2 gnutls libxml-2.0 libzstd libisal zlib libcrypto
  rdkafka)
# What pkg-config says with -isystem (krb5's folder, in Debian 13) CMake takes for a folder, and from its cache for an option: the second run of
# cmake, which every `make` begins with, then changed the flags, and all was built again.
get_target_property(DEPS_OPTIONS PkgConfig::DEPS INTERFACE_COMPILE_OPTIONS)
if(DEPS_OPTIONS)
  string(REPLACE "-isystem;" "-isystem" DEPS_OPTIONS "${DEPS_OPTIONS}")
  set(DEPS_FOLDERS ${DEPS_OPTIONS})
  list(FILTER DEPS_FOLDERS INCLUDE REGEX "^-isystem")
  list(FILTER DEPS_OPTIONS EXCLUDE REGEX "^-isystem")
  list(TRANSFORM DEPS_FOLDERS REPLACE "^-isystem" "")
  set_property(TARGET PkgConfig::DEPS APPEND PROPERTY INTERFACE_INCLUDE_DIRECTORIES ${DEPS_FOLDERS})
  set_property(TARGET PkgConfig::DEPS PROPERTY INTERFACE_COMPILE_OPTIONS ${DEPS_OPTIONS})
endif()
add_library(ddgate_libraries INTERFACE)
# Called msgpack in Debian 12 and Ubuntu 22.04, msgpack-c since release 6.
pkg_search_module(MSGPACK REQUIRED IMPORTED_TARGET msgpack msgpack-c)
# Debian 13's .pc file names a folder that is relative to nothing.
get_target_property(MSGPACK_HEADERS PkgConfig::MSGPACK INTERFACE_INCLUDE_DIRECTORIES)
if(MSGPACK_HEADERS)
  list(FILTER MSGPACK_HEADERS INCLUDE REGEX "^/")
  set_target_properties(PkgConfig::MSGPACK PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${MSGPACK_HEADERS}")
endif()
# libunistring has no .pc file.
find_library(UNISTRING unistring REQUIRED)
# grpc.pc lists some sixty libraries; the shared ones bring their own.
target_link_libraries(ddgate_libraries INTERFACE PkgConfig::DEPS PkgConfig::MSGPACK grpc gpr ${UNISTRING} Threads::Threads m)
