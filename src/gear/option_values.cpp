#include "gear/option_values.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace fluxrig::gear {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};
// Smallest first: formatting looks for the largest that divides.
constexpr std::array<Unit, 5> kDurations{
    {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<Unit, 11> kSizes{{{"", 1},
                                       {"B", 1},
                                       {"KB", 1'000},
                                       {"kB", 1'000},
                                       {"MB", 1'000'000},
                                       {"GB", 1'000'000'000},
                                       {"TB", 1'000'000'000'000},
                                       {"KiB", 1LL << 10},
                                       {"MiB", 1LL << 20},
                                       {"GiB", 1LL << 30},
                                       {"TiB", 1LL << 40}}};
constexpr std::size_t kMaxHost = 253;  // RFC 1035

template <typename T>
std::optional<T> parse_all(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <std::size_t N>
std::optional<std::int64_t> parse_with_unit(std::string_view text, const std::array<Unit, N>& units) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_all<std::int64_t>(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const auto& unit : units)
    if (unit.name == text.substr(digits) && *number <= INT64_MAX / unit.factor) return *number * unit.factor;
  return std::nullopt;
}

bool is_ip(int family, std::string_view host) {
  std::array<unsigned char, 16> ignored{};
  return inet_pton(family, std::string(host).c_str(), ignored.data()) == 1;
}

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > kMaxHost || host.front() == '.' || host.front() == '-') return false;
  const bool is_numeric = host.find_first_not_of("0123456789.") == std::string_view::npos;
  if (is_numeric) return is_ip(AF_INET, host);
  return std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  });
}

struct HostPort {
  std::string_view host;
  bool is_bracketed = false;
  std::uint16_t port = 0;
};

std::optional<HostPort> split(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || text.find('\0') != std::string_view::npos) return std::nullopt;
  const auto port = parse_all<std::uint16_t>(text.substr(colon + 1));
  if (!port) return std::nullopt;
  const std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    const std::string_view inner = host.substr(1, host.size() - 2);
    if (!is_ip(AF_INET6, inner)) return std::nullopt;
    return HostPort{inner, true, *port};
  }
  // Without brackets the last group of an IPv6 address would be taken for the port.
  if (host.find(':') != std::string_view::npos) return std::nullopt;
  return HostPort{host, false, *port};
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) { return parse_all<std::int64_t>(text); }

std::optional<double> parse_number(std::string_view text) {
  const auto value = parse_all<double>(text);
  if (!value || !std::isfinite(*value)) return std::nullopt;
  return value;
}

std::optional<bool> parse_boolean(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

std::optional<std::int64_t> parse_duration(std::string_view text) {
  if (text == "0") return 0;
  return parse_with_unit(text, kDurations);
}

std::optional<std::int64_t> parse_size(std::string_view text) { return parse_with_unit(text, kSizes); }

std::optional<Endpoint> parse_listen(std::string_view text) {
  const auto parts = split(text);
  if (!parts) return std::nullopt;
  if (parts->host.empty() || parts->host == "*") return Endpoint{"", parts->port};
  if (parts->host == "localhost") return Endpoint{"127.0.0.1", parts->port};
  if (!parts->is_bracketed && !is_ip(AF_INET, parts->host)) return std::nullopt;
  return Endpoint{std::string(parts->host), parts->port};
}

std::optional<Endpoint> parse_address(std::string_view text) {
  const auto parts = split(text);
  if (!parts || parts->port == 0) return std::nullopt;
  if (!parts->is_bracketed && !is_host_name(parts->host)) return std::nullopt;
  return Endpoint{std::string(parts->host), parts->port};
}

std::string format_duration(std::int64_t milliseconds) {
  if (milliseconds == 0) return "0";
  const Unit* best = &kDurations.front();
  for (const auto& unit : kDurations)
    if (milliseconds % unit.factor == 0) best = &unit;
  return fmt::format("{}{}", milliseconds / best->factor, best->name);
}

std::string format_size(std::int64_t bytes) {
  const Unit* best = &kSizes.front();
  for (const auto& unit : kSizes)
    if (bytes != 0 && bytes % unit.factor == 0 && unit.factor > best->factor) best = &unit;
  return fmt::format("{}{}", bytes / best->factor, best->name);
}

}  // namespace fluxrig::gear
