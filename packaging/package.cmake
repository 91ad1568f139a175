# The Debian package, by CPack: `make package`. Its dependencies are found by dpkg-shlibdeps.
find_program(DPKG_SHLIBDEPS dpkg-shlibdeps)
if(NOT DPKG_SHLIBDEPS)
  return()
endif()
add_custom_command(OUTPUT changelog.gz
  COMMAND gzip -9nc ${CMAKE_CURRENT_SOURCE_DIR}/debian/changelog > changelog.gz DEPENDS debian/changelog VERBATIM)
add_custom_target(debian_changelog DEPENDS changelog.gz)
add_dependencies(packaging debian_changelog)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz DESTINATION share/doc/ddgate)
install(FILES debian/lintian-overrides DESTINATION share/lintian/overrides RENAME ddgate)

set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON) # files of /etc are not below the prefix
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_VENDOR ddgate)
set(CPACK_PACKAGE_CONTACT "ddgate maintainers <maintainers@ddgate.example.com>")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "gateway from Datadog's tracers to OpenTelemetry
ddgate takes the traces, metrics and logs that applications with Datadog's
libraries send, unchanged, and those of OpenTelemetry's SDKs, links each log
line to its span, and sends all of it over OTLP to any backend.
.
It is one process in C with bounded memory, a disk queue for what cannot be
sent yet, and an account of every span, line and point that it was given.")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates, tzdata, tzdata-legacy")
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_CURRENT_SOURCE_DIR}/debian/conffiles ${CMAKE_CURRENT_SOURCE_DIR}/debian/postinst
  ${CMAKE_CURRENT_SOURCE_DIR}/debian/prerm ${CMAKE_CURRENT_SOURCE_DIR}/debian/postrm)
include(CPack)
