#include "wal/segment_name.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace fluxrig::wal {
namespace {

constexpr std::size_t kSequenceDigits = 20;
constexpr std::string_view kSuffix = ".wal";

template <typename Number>
bool parse_digits(std::string_view text, Number& value) noexcept {
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  return failure == std::errc{} && stop == end && !text.empty();
}

}  // namespace

std::string to_string(const SegmentName& name) {
  return fmt::format("{:020}-{}.wal", name.first.value, name.epoch.value);
}

std::optional<SegmentName> parse_segment_name(std::string_view file) noexcept {
  if (file.size() < kSequenceDigits + 2 + kSuffix.size() || !file.ends_with(kSuffix)) return std::nullopt;
  if (file[kSequenceDigits] != '-') return std::nullopt;
  SegmentName name;
  const std::string_view epoch =
      file.substr(kSequenceDigits + 1, file.size() - kSequenceDigits - 1 - kSuffix.size());
  if (!parse_digits(file.substr(0, kSequenceDigits), name.first.value)) return std::nullopt;
  if (epoch.front() == '0' || !parse_digits(epoch, name.epoch.value)) return std::nullopt;
  if (name.first.value == 0) return std::nullopt;
  return name;
}

Result<std::vector<SegmentName>> list_segments(Disk& disk, const std::string& directory) {
  const auto files = disk.list(directory);
  if (!files) return tl::unexpected(files.error());
  std::vector<SegmentName> names;
  for (const auto& file : *files)
    if (const auto name = parse_segment_name(file)) names.push_back(*name);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace fluxrig::wal
