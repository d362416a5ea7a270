#include "rack/startup_memory.hpp"

#include <malloc.h>
#include <sys/mman.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "rack/footprint.hpp"

namespace fluxrig::rack {
namespace {

// One mapping while its lines are read.
struct Candidate {
  Mapping mapping;
  bool droppable = false;
};

// "7f52a000-7f52c000 r-xp 00001000 fe:00 1234 /usr/lib/libx.so": nullopt for any other line.
std::optional<Candidate> read_head(std::string_view line) {
  Candidate candidate;
  auto [dash, first_wrong] =
      std::from_chars(line.data(), line.data() + line.size(), candidate.mapping.begin, 16);
  if (first_wrong != std::errc{} || dash == line.data() + line.size() || *dash != '-') return std::nullopt;
  const auto [rest, second_wrong] =
      std::from_chars(dash + 1, line.data() + line.size(), candidate.mapping.end, 16);
  if (second_wrong != std::errc{} || candidate.mapping.end <= candidate.mapping.begin) return std::nullopt;
  const auto words = line.substr(static_cast<std::size_t>(rest - line.data()));
  const bool private_and_read_only = words.starts_with(" r-xp ") || words.starts_with(" r--p ");
  candidate.droppable = private_and_read_only && words.find(" /") != std::string_view::npos;
  return candidate;
}

bool says_changed(std::string_view line) {
  for (const std::string_view key : {"Anonymous:", "Private_Dirty:", "Shared_Dirty:", "Swap:", "Locked:"})
    if (line.starts_with(key)) return line.find_first_of("123456789") != std::string_view::npos;
  return false;
}

}  // namespace

std::vector<Mapping> clean_file_mappings(std::string_view smaps) {
  std::vector<Mapping> clean;
  std::optional<Candidate> current;
  const auto close = [&] {
    if (current && current->droppable) clean.push_back(current->mapping);
    current.reset();
  };
  while (!smaps.empty()) {
    const auto end = smaps.find('\n');
    const auto line = smaps.substr(0, end);
    if (auto head = read_head(line)) {
      close();
      current = head;
    } else if (current && says_changed(line)) {
      current->droppable = false;
    }
    if (end == std::string_view::npos) break;
    smaps.remove_prefix(end + 1);
  }
  close();
  return clean;
}

std::size_t release_startup_memory() {
  const auto before = read_footprint().resident_bytes;
  ::malloc_trim(0);
  std::ifstream file("/proc/self/smaps");
  const std::string smaps{std::istreambuf_iterator<char>(file), {}};
  for (const auto& [begin, end] : clean_file_mappings(smaps))
    (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  const auto after = read_footprint().resident_bytes;
  return before > after ? before - after : 0;
}

}  // namespace fluxrig::rack
