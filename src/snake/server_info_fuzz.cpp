// Whatever answers on the port: an INFO line or nothing.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "snake/server_check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto info = fluxrig::snake::parse_server_info(line);
  if (info && line.substr(0, 6) != "INFO {") std::abort();
  return 0;
}
