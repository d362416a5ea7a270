#include "base/byte_size.hpp"

#include <fmt/core.h>

#include <array>
#include <charconv>

namespace fluxrig {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array<Unit, 9> kUnits{{{"", 1},
                                      {"B", 1},
                                      {"KB", 1'000},
                                      {"MB", 1'000'000},
                                      {"GB", 1'000'000'000},
                                      {"KiB", 1ULL << 10},
                                      {"MiB", 1ULL << 20},
                                      {"GiB", 1ULL << 30},
                                      {"TiB", 1ULL << 40}}};

}  // namespace

Outcome<std::uint64_t> parse_byte_size(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{}) {
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    for (const auto& known : kUnits)
      if (known.name == unit && number <= UINT64_MAX / known.bytes) return number * known.bytes;
  }
  return problem(
      fmt::format("'{}' is no size; write a number and a unit, such as 512MiB", text.substr(0, 64)));
}

}  // namespace fluxrig
