# What `./dev package` makes: a .deb a program, and the agent as a folder that runs where its libraries are not installed.
# Each program is a component of its own; packages/X has what only the package of strop-X needs.

set(STROP_COMPONENTS agent collector)
if(TARGET strop-trainer)
  list(APPEND STROP_COMPONENTS trainer)
endif()

# The agent with its libraries beside it. An RPATH, unlike a RUNPATH, holds for the libraries of its libraries too. Of the C
# library, whose loader and parts must be of one make, it takes the machine's: any that is not older than the one here.
add_executable(strop-agent-portable EXCLUDE_FROM_ALL agent/main.cpp)
target_link_libraries(strop-agent-portable PRIVATE strop_flags strop_agent CLI11::CLI11 spdlog::spdlog)
target_compile_definitions(strop-agent-portable PRIVATE STROP_VERSION="${PROJECT_VERSION}")
target_link_options(strop-agent-portable PRIVATE -Wl,--disable-new-dtags)
set_target_properties(strop-agent-portable PROPERTIES OUTPUT_NAME strop-agent
  RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/portable INSTALL_RPATH "$ORIGIN/../lib/strop-agent")
install(TARGETS strop-agent-portable
  RUNTIME_DEPENDENCIES PRE_EXCLUDE_REGEXES "^lib(c|m|dl|rt|pthread|resolv)\\.so" "^ld-linux"
  RUNTIME DESTINATION bin COMPONENT portable EXCLUDE_FROM_ALL
  LIBRARY DESTINATION lib/strop-agent COMPONENT portable EXCLUDE_FROM_ALL)
install(SCRIPT ${CMAKE_CURRENT_LIST_DIR}/LibraryLicences.cmake COMPONENT portable EXCLUDE_FROM_ALL)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION . COMPONENT portable EXCLUDE_FROM_ALL)

set(CPACK_PACKAGE_NAME strop)
set(CPACK_PACKAGE_VENDOR "Strop")
set(CPACK_PACKAGE_CONTACT "Strop maintainers <maintainers@users.noreply.r-seed-19adafeb.example>")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_SOURCE_DIR}/build/packages)
set(CPACK_STRIP_FILES ON)
set(CPACK_STROP_MACHINE ${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_LIST_DIR}/PackageKinds.cmake)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_AGENT_DESCRIPTION "relay that learns what becomes of code completions
Stands between an editor and a language or completion server, relays byte for byte, and
notes what became of each suggestion. It can also offer the completions of a team's own model.")
set(CPACK_DEBIAN_COLLECTOR_DESCRIPTION "server that makes preference pairs of what agents saw
Takes in what the agents of a team captured, over encrypted ZeroMQ, acknowledges what is on
disk, and turns it into preference pairs to train a code-completion model on.")
set(CPACK_DEBIAN_COLLECTOR_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_TRAINER_DESCRIPTION "trains, measures and serves a team's completion model
Trains a LoRA adapter on a team's preference pairs, by night if wanted, measures it on files
that it never saw, and serves it.")
set(CPACK_DEBIAN_TRAINER_PACKAGE_DEPENDS adduser)
# The nightly round exports from the collector's store.
set(CPACK_DEBIAN_TRAINER_PACKAGE_RECOMMENDS "strop-collector, libopenblas0-openmp")

# The scripts around installing and removing a package with services, from packages/service.
function(strop_service_scripts component)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "FIRST_TIME;OTHER_PACKAGE" "STARTED;OTHER;RUNNING;ADMIN_FILES")
  set(PACKAGE strop-${component})
  set(FIRST_TIME "${ARG_FIRST_TIME}")
  set(OTHER_PACKAGE ${ARG_OTHER_PACKAGE})
  list(JOIN ARG_STARTED " " STARTED_UNITS)
  list(JOIN ARG_OTHER " " OTHER_UNITS)
  list(JOIN ARG_RUNNING " " RUNNING_UNITS)
  list(JOIN ARG_ADMIN_FILES " " ADMIN_FILES)
  string(STRIP "${STARTED_UNITS} ${OTHER_UNITS}" ALL_UNITS)
  foreach(script postinst prerm postrm)
    configure_file(packages/service/${script}.in ${CMAKE_BINARY_DIR}/packages/${component}/${script}
      FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE @ONLY)
  endforeach()
endfunction()
strop_service_scripts(collector OTHER_PACKAGE strop-trainer STARTED strop-collector.service RUNNING strop-collector.service
  FIRST_TIME "if [ ! -e /var/lib/strop/keys/server.key ]; then
  runuser -u strop -- mkdir -p -m 0700 /var/lib/strop/keys
  runuser -u strop -- strop-collector keys generate --keys /var/lib/strop/keys
fi
")
strop_service_scripts(trainer OTHER_PACKAGE strop-collector OTHER strop-trainer.service strop-nightly.service strop-nightly.timer
  RUNNING strop-trainer.service strop-nightly.timer ADMIN_FILES /etc/default/strop-trainer)

foreach(component IN LISTS STROP_COMPONENTS)
  string(TOUPPER ${component} COMPONENT)
  set(source ${CMAKE_SOURCE_DIR}/packages/${component})
  set(CPACK_DEBIAN_${COMPONENT}_PACKAGE_NAME strop-${component})
  set(control ${source}/conffiles)
  if(EXISTS ${CMAKE_BINARY_DIR}/packages/${component}/postinst)
    list(APPEND control ${CMAKE_BINARY_DIR}/packages/${component}/postinst
      ${CMAKE_BINARY_DIR}/packages/${component}/prerm ${CMAKE_BINARY_DIR}/packages/${component}/postrm)
  endif()
  set(CPACK_DEBIAN_${COMPONENT}_PACKAGE_CONTROL_EXTRA ${control})
  set(CPACK_DEBIAN_${COMPONENT}_PACKAGE_CONTROL_STRICT_PERMISSION ON)
  # Only into the packages: `cmake --install` leaves the administrator's files alone.
  install(FILES ${source}/${component}.toml DESTINATION /etc/strop COMPONENT ${component} EXCLUDE_FROM_ALL)
  install(FILES packages/copyright CHANGELOG.md README.md
    DESTINATION share/doc/strop-${component} COMPONENT ${component} EXCLUDE_FROM_ALL)
endforeach()

include(CPack)
