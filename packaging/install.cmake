# Runs when it is installed: the unit with the paths of the prefix, and the configuration, which is left alone where there is one.
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr" OR CMAKE_INSTALL_PREFIX STREQUAL "/")
  set(SYSCONFDIR /etc)
else()
  set(SYSCONFDIR ${CMAKE_INSTALL_PREFIX}/etc)
endif()
set(BINDIR ${CMAKE_INSTALL_PREFIX}/bin)
set(ENVIRONMENT ${SYSCONFDIR}/default/ddgate)

function(install_configuration from to)
  if(EXISTS "$ENV{DESTDIR}${to}")
    message(STATUS "Left as it is: $ENV{DESTDIR}${to}")
    return()
  endif()
  get_filename_component(folder "${to}" DIRECTORY)
  get_filename_component(name "${to}" NAME)
  file(INSTALL DESTINATION "${folder}" TYPE FILE RENAME "${name}" FILES "${from}" PERMISSIONS ${ARGN})
endfunction()

configure_file("${PACKAGING}/systemd/ddgate.service.in" "${BINARY_DIR}/ddgate.service" @ONLY)
file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system" TYPE FILE FILES "${BINARY_DIR}/ddgate.service"
  PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
install_configuration("${PACKAGING}/ddgate.conf" "${SYSCONFDIR}/ddgate/ddgate.conf" OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
install_configuration("${PACKAGING}/systemd/ddgate.environment" "${ENVIRONMENT}" OWNER_READ OWNER_WRITE)
