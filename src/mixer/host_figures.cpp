#include "mixer/host_figures.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

namespace fluxrig::mixer {
namespace {

constexpr std::size_t kMostText = 64U << 10;

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  if (!file) return text;
  text.resize(kMostText);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

// The number after `name` at the beginning of a line; blanks between them.
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.substr(0, name.size()) != name) continue;
    line.remove_prefix(name.size());
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (error == std::errc{}) return number;
  }
  return std::nullopt;
}

// "0::/system.slice/mixer.service": where this process is in the version 2 hierarchy.
std::optional<Room> group_room() {
  const auto groups = read_text("/proc/self/cgroup");
  constexpr std::string_view kUnified = "0::/";
  const auto at = groups.find(kUnified);
  if (at == std::string::npos) return std::nullopt;
  auto path = groups.substr(at + kUnified.size() - 1);
  path = "/sys/fs/cgroup" + path.substr(0, path.find('\n'));
  const auto max = read_text(path + "/memory.max");
  const auto current = read_text(path + "/memory.current");
  const auto stat = read_text(path + "/memory.stat");
  return parse_group({max, current, stat});
}

}  // namespace

std::optional<Room> disk_room(const std::string& directory) {
  struct statvfs file_system {};
  if (::statvfs(directory.c_str(), &file_system) != 0) return std::nullopt;
  const std::uint64_t block = file_system.f_frsize;
  return Room{block * file_system.f_bavail, block * file_system.f_blocks};
}

std::optional<Room> parse_meminfo(std::string_view text) {
  const auto free = number_after(text, "MemAvailable:");
  const auto total = number_after(text, "MemTotal:");
  if (!free || !total) return std::nullopt;
  return Room{*free * 1024, *total * 1024};
}

std::optional<Room> parse_group(const GroupText& text) {
  const auto max = number_after(text.max, "");  // "max" without a limit
  const auto current = number_after(text.current, "");
  if (!max || !current) return std::nullopt;
  // The kernel takes cached file pages back before it refuses anything.
  const auto cached = number_after(text.stat, "inactive_file ").value_or(0);
  const auto used = *current - std::min(*current, cached);
  return Room{*max - std::min(*max, used), *max};
}

std::optional<Room> memory_room() {
  auto room = parse_meminfo(read_text("/proc/meminfo"));
  const auto group = group_room();
  if (group && (!room || group->free < room->free)) return group;
  return room;
}

}  // namespace fluxrig::mixer
