# How Strop's targets are made. One function for each kind of target, so that flags, include paths
# and the folder arrows of ARCHITECTURE.md are the same everywhere.

find_program(STROP_CCACHE ccache)
if(STROP_CCACHE)
  # The sloppiness settings are what ccache asks for when precompiled headers are in use.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${STROP_CCACHE})
endif()

add_library(strop_flags INTERFACE)
target_compile_options(strop_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
  -Woverloaded-virtual -Wno-missing-field-initializers -Werror -fpch-preprocess)
# GCC 12 at -O3 takes a concatenation of std::strings for an overlapping copy (GCC bug 105651).
target_compile_options(strop_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
if(STROP_SANITIZE)
  target_compile_options(strop_flags INTERFACE -fsanitize=${STROP_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(strop_flags INTERFACE -fsanitize=${STROP_SANITIZE})
  if(STROP_SANITIZE MATCHES "thread")
    # GCC 12 cannot see through std::atomic_thread_fence under TSan and warns in Boost and libstdc++.
    target_compile_options(strop_flags INTERFACE -Wno-error=tsan -Wno-tsan)
  endif()
  if(STROP_SANITIZE MATCHES "undefined")
    target_compile_options(strop_flags INTERFACE -fno-sanitize-recover=undefined -Wno-error=maybe-uninitialized)
  endif()
endif()
find_package(Threads REQUIRED)
target_link_libraries(strop_flags INTERFACE Threads::Threads)

# strop_folder(NAME [SOURCES ...] [LINK ...] [PRIVATE_LINK ...])
# The library of one folder, target strop_NAME. Headers of a folder are seen as "NAME/x.h", through a link
# of its own below the build folder, so a target sees only the folders it links: an arrow that is not
# in CMake does not compile.
function(strop_folder name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  set(root ${CMAKE_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${root})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${name} ${root}/${name} SYMBOLIC)
  add_library(strop_${name} STATIC ${ARG_SOURCES})
  target_include_directories(strop_${name} PUBLIC ${root})
  target_link_libraries(strop_${name} PUBLIC ${ARG_LINK} PRIVATE strop_flags ${ARG_PRIVATE_LINK})
endfunction()

# strop_program(NAME MAIN.cpp LINK ...): one installed program; strop-X goes into the package of component X.
function(strop_program name main)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${main})
  target_link_libraries(${name} PRIVATE strop_flags ${ARG_LINK})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  string(REPLACE strop- "" component ${name})
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${component})
endfunction()

# strop_installed_text(COMPONENT FILE.in FOLDER [PROGRAM]): a text that names folders of the installation. They are filled in
# when it is installed, so that one build serves any prefix, the packages' too.
function(strop_installed_text component template folder)
  cmake_parse_arguments(ARG "PROGRAM" "" "" ${ARGN})
  get_filename_component(name ${template} NAME_WLE)
  set(made ${CMAKE_CURRENT_BINARY_DIR}/installed/${name})
  install(CODE "
    set(CMAKE_INSTALL_FULL_BINDIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
    set(CMAKE_INSTALL_FULL_DATADIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}\")
    configure_file(\"${CMAKE_CURRENT_SOURCE_DIR}/${template}\" \"${made}\" @ONLY)" COMPONENT ${component})
  if(ARG_PROGRAM)
    install(PROGRAMS ${made} DESTINATION ${folder} COMPONENT ${component})
  else()
    install(FILES ${made} DESTINATION ${folder} COMPONENT ${component})
  endif()
endfunction()

# strop_test(NAME SOURCES ... LINK ... [LABELS ...] [TIMEOUT s] [SERIAL]): a GoogleTest program.
# Its tests are listed when ctest starts, not when it is built. Tests find their data by STROP_TESTS_DIR and the
# programs under test by STROP_BIN_DIR, both compiled in.
function(strop_test name)
  cmake_parse_arguments(ARG "SERIAL" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE strop_flags ${ARG_LINK} GTest::gmock GTest::gtest GTest::gtest_main)
  target_compile_options(${name} PRIVATE -O1)  # compiled once, run once
  target_compile_definitions(${name} PRIVATE
    STROP_TESTS_DIR="${CMAKE_SOURCE_DIR}/tests" STROP_BIN_DIR="${CMAKE_BINARY_DIR}/bin"
    STROP_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  set(properties TIMEOUT ${ARG_TIMEOUT})
  if(ARG_LABELS)
    list(APPEND properties LABELS ${ARG_LABELS})
  endif()
  if(ARG_SERIAL)
    list(APPEND properties RUN_SERIAL TRUE)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 PROPERTIES ${properties})
endfunction()
