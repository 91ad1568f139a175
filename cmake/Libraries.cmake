# The libraries that the program stands on; Debian package names are in packages.txt.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(DEPS REQUIRED IMPORTED_TARGET
  libprotobuf-c libcurl msgpack libpcre2-8 libconfig libmicrohttpd libzstd libisal zlib json-c)
add_library(ddgate_libraries INTERFACE)
# grpc.pc lists some sixty libraries; the shared ones bring their own.
target_link_libraries(ddgate_libraries INTERFACE PkgConfig::DEPS grpc gpr Threads::Threads m)
