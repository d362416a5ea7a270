# Makes the shipped ISO 8583 specifications part of the binary: one generated source with the YAML files as
# text. Run by itself (cmake -P) it writes the file; included, it defines FLUXRIG_SPECS_SOURCE and the rule.
if(CMAKE_SCRIPT_MODE_FILE)
  set(code "// Generated from specs/*.yaml by specs/embed.cmake.\n#include \"gear/iso8583/spec.hpp\"\n\n#include <array>\n\n")
  string(APPEND code "namespace fluxrig::gear::iso8583 {\n\nnamespace {\n\n")
  set(entries "")
  set(count 0)
  string(REPLACE "," ";" files "${FILES}")
  foreach(path IN LISTS files)
    get_filename_component(name ${path} NAME_WE)
    file(READ ${path} text)
    string(APPEND code "constexpr std::string_view kText${count} = R\"--yaml--(${text})--yaml--\";\n\n")
    string(APPEND entries "    ShippedSpecification{\"${name}\", kText${count}},\n")
    math(EXPR count "${count} + 1")
  endforeach()
  string(APPEND code "const std::array<ShippedSpecification, ${count}> kShipped = {\n${entries}};\n\n}  // namespace\n\n")
  string(APPEND code "std::span<const ShippedSpecification> shipped_specifications() noexcept { return kShipped; }\n\n")
  string(APPEND code "}  // namespace fluxrig::gear::iso8583\n")
  file(WRITE ${OUTPUT} "${code}")
  return()
endif()

file(GLOB specs CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.yaml)
set(FLUXRIG_SPECS_SOURCE ${CMAKE_BINARY_DIR}/generated/iso8583_specs.cpp)
list(JOIN specs "," joined)
add_custom_command(
  OUTPUT ${FLUXRIG_SPECS_SOURCE}
  COMMAND ${CMAKE_COMMAND} -D OUTPUT=${FLUXRIG_SPECS_SOURCE} -D FILES=${joined} -P ${CMAKE_CURRENT_LIST_DIR}/embed.cmake
  DEPENDS ${specs} ${CMAKE_CURRENT_LIST_DIR}/embed.cmake
  VERBATIM)
