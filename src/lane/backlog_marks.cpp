#include "lane/backlog_marks.hpp"

#include <limits>

#include "cbor/decoder.hpp"
#include "cbor/encoder.hpp"
#include "wal/atomic_file.hpp"

namespace fluxrig::lane {
namespace {

constexpr const char* kName = "marks";
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kItems = 6;      // of the file's array
constexpr std::size_t kLostItems = 9;  // of one range

tl::unexpected<Error> corrupt() { return fail(ErrorCode::kCorrupt, "the backlog's marks are not valid"); }

void put(cbor::Encoder& encoder, const RecordPosition& position) {
  encoder.unsigned_integer(position.epoch.value);
  encoder.unsigned_integer(position.sequence.value);
}

// Reads unsigned integers one after the other; a failure sticks.
class Numbers {
 public:
  explicit Numbers(cbor::Decoder& decoder) : decoder_(decoder) {}
  std::uint64_t next(std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
    const auto value = decoder_.unsigned_integer();
    good_ = good_ && value && *value <= most;
    return good_ ? *value : 0;
  }
  Epoch epoch() { return {static_cast<std::uint32_t>(next(std::numeric_limits<std::uint32_t>::max()))}; }
  [[nodiscard]] bool good() const noexcept { return good_; }

 private:
  cbor::Decoder& decoder_;
  bool good_ = true;
};

std::optional<BacklogMarks::Lost> read_lost(cbor::Decoder& decoder) {
  constexpr auto kMostHour =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / model::Hour::kNanos) - 1;
  if (decoder.array() != kLostItems) return std::nullopt;
  Numbers numbers(decoder);
  BacklogMarks::Lost lost;
  auto& range = lost.range;
  range.epoch = numbers.epoch();
  range.first = {numbers.next()};
  range.last = {numbers.next()};
  range.hour = {static_cast<std::int64_t>(numbers.next(kMostHour))};
  range.cause = static_cast<model::DropCause>(numbers.next(model::kDropCauses - 1));
  for (auto& count : range.counts.counts) count = numbers.next();
  lost.sent = static_cast<Sent>(numbers.next(1));
  if (!numbers.good() || range.last < range.first) return std::nullopt;
  return lost;
}

}  // namespace

const model::LostTelemetry& BacklogMarks::add(const Lost& lost) {
  if (!lost_.empty()) {
    auto& [before, sent] = lost_.back();
    const auto& range = lost.range;
    const bool follows = before.epoch == range.epoch && before.last.value + 1 == range.first.value &&
                         before.hour == range.hour && before.cause == range.cause;
    if (follows && sent == Sent::kNever && lost.sent == Sent::kNever) {
      before.last = range.last;
      before.counts += range.counts;
      return before;
    }
  }
  if (lost_.size() >= kMaxLost) lost_.erase(lost_.begin());
  return lost_.emplace_back(lost).range;
}

void BacklogMarks::encode(Bytes& out) const {
  cbor::Encoder encoder(out);
  encoder.array(kItems);
  encoder.unsigned_integer(kVersion);
  put(encoder, dropped_to);
  put(encoder, sent_to);
  encoder.array(lost_.size());
  for (const auto& [range, sent] : lost_) {
    encoder.array(kLostItems);
    encoder.unsigned_integer(range.epoch.value);
    encoder.unsigned_integer(range.first.value);
    encoder.unsigned_integer(range.last.value);
    encoder.unsigned_integer(static_cast<std::uint64_t>(range.hour.value));
    encoder.unsigned_integer(static_cast<std::uint64_t>(range.cause));
    for (const auto count : range.counts.counts) encoder.unsigned_integer(count);
    encoder.unsigned_integer(static_cast<std::uint64_t>(sent));
  }
}

Result<BacklogMarks> BacklogMarks::decode(ByteView item) {
  cbor::Decoder decoder(item);
  if (decoder.array() != kItems) return corrupt();
  Numbers numbers(decoder);
  if (numbers.next() != kVersion) return corrupt();
  BacklogMarks marks;
  marks.dropped_to.epoch = numbers.epoch();
  marks.dropped_to.sequence = {numbers.next()};
  marks.sent_to.epoch = numbers.epoch();
  marks.sent_to.sequence = {numbers.next()};
  const auto count = decoder.array();
  if (!numbers.good() || !count || *count > kMaxLost) return corrupt();
  for (std::size_t i = 0; i < *count; ++i) {
    const auto lost = read_lost(decoder);
    if (!lost) return corrupt();
    marks.lost_.push_back(*lost);
  }
  if (!decoder.at_end()) return corrupt();
  return marks;
}

Result<void> BacklogMarks::store(wal::Disk& disk, const std::string& directory) const {
  Bytes item;
  encode(item);
  return wal::store_atomically(disk, directory, kName, item);
}

Result<BacklogMarks> BacklogMarks::load(wal::Disk& disk, const std::string& directory) {
  const auto item = wal::load_whole(disk, directory, kName);
  if (!item && item.error().code == ErrorCode::kNotFound) return BacklogMarks{};
  if (!item) return tl::unexpected(item.error());
  return decode(*item);
}

}  // namespace fluxrig::lane
