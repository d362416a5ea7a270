# Flags shared by every target. Presets (CMakePresets.json) choose among these options.
option(FLUXRIG_PCH "precompile the standard headers" ON)
option(FLUXRIG_FUZZ "build the fuzzers (clang only)" OFF)
option(FLUXRIG_TAP "taps the path of transactions; OFF is the base of a benchmark and keeps no promise about audit" ON)
option(FLUXRIG_WERROR "warnings are errors" ON)
set(FLUXRIG_TEST_OPTIONS "" CACHE STRING "compile options of the tests' own files, after all others")
# The presets asan and fuzz have the same compiler and flags, so that ccache has compiled the libraries for the one when
# the other is built.
set(FLUXRIG_SANITIZE "" CACHE STRING "comma-separated -fsanitize= list")

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual
                    -Wconversion -Wno-sign-conversion -fno-strict-aliasing -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options(-Wno-restrict)  # false with std::string: gcc bug 105329, at -O1 by the length of a literal
endif()
add_compile_definitions(_FORTIFY_SOURCE=2 BOOST_ASIO_NO_DEPRECATED)
if(FLUXRIG_WERROR)
  add_compile_options(-Werror)
endif()
if(FLUXRIG_SANITIZE)
  add_compile_options(-fsanitize=${FLUXRIG_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
                      -U_FORTIFY_SOURCE)
  add_link_options(-fsanitize=${FLUXRIG_SANITIZE})
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${CCACHE})
endif()
