// What the host has left: space where the mixer keeps its data, and memory. Reads the file system and /proc;
// any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fluxrig::mixer {

struct Room {
  std::uint64_t free = 0;
  std::uint64_t total = 0;
  friend bool operator==(const Room&, const Room&) = default;
};

// For others than root. nullopt: cannot be told.
[[nodiscard]] std::optional<Room> disk_room(const std::string& directory);

// What the kernel says is available without swapping; inside a control group with a limit, what that leaves
// if it is less. nullopt: cannot be told.
[[nodiscard]] std::optional<Room> memory_room();

// Of the text of /proc/meminfo.
[[nodiscard]] std::optional<Room> parse_meminfo(std::string_view text);
// Of memory.max, memory.current and memory.stat of a control group (version 2); nullopt: no limit.
struct GroupText {
  std::string_view max;
  std::string_view current;
  std::string_view stat;
};
[[nodiscard]] std::optional<Room> parse_group(const GroupText& text);

}  // namespace fluxrig::mixer
