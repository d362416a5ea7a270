// Maps with small integer keys in ascending order, the shape of everything this module writes. Internal to
// the module. One thread.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "base/assert.hpp"
#include "base/ids.hpp"
#include "cbor/decoder.hpp"
#include "cbor/encoder.hpp"

namespace fluxrig::model {

// Writes a map whose number of entries is known only at its end: at most 23, so that the head stays one byte.
class MapWriter {
 public:
  explicit MapWriter(Bytes& out) : out_(out), head_(out.size()), encoder_(out) { out.push_back(0xa0); }
  MapWriter(const MapWriter&) = delete;
  MapWriter& operator=(const MapWriter&) = delete;
  ~MapWriter() { out_[head_] = static_cast<std::uint8_t>(0xa0U | entries_); }

  // The encoder for the value of `key`; keys ascend.
  cbor::Encoder& key(std::uint8_t key) {
    FR_ASSERT(entries_ < 23 && (entries_ == 0 || key > last_));
    last_ = key;
    ++entries_;
    encoder_.unsigned_integer(key);
    return encoder_;
  }

  // Absent keys stand for these defaults, so they cost nothing.
  void unless_empty(std::uint8_t number, std::string_view text) {
    if (!text.empty()) key(number).text(text);
  }
  void unless_zero(std::uint8_t number, std::uint64_t value) {
    if (value != 0) key(number).unsigned_integer(value);
  }
  template <std::size_t N, typename Tag>
  void unless_zero(std::uint8_t number, const IdBytes<N, Tag>& id) {
    if (!id.is_zero()) key(number).bytes(id.view());
  }

 private:
  Bytes& out_;
  std::size_t head_;
  cbor::Encoder encoder_;
  std::uint8_t entries_ = 0;
  std::uint8_t last_ = 0;
};

// Bits of the keys below 64 that a map held.
using SeenKeys = std::uint64_t;

// Reads a map: `visit(key)` consumes the value or gives std::nullopt for a key it does not know, which is
// skipped.
template <typename Visit>
[[nodiscard]] Result<SeenKeys> read_map(cbor::Decoder& decoder, Visit&& visit) {
  const auto entries = decoder.map();
  if (!entries) return tl::unexpected(entries.error());
  SeenKeys seen = 0;
  std::optional<std::uint64_t> last;
  for (std::size_t i = 0; i < *entries; ++i) {
    const auto key = decoder.unsigned_integer();
    if (!key) return tl::unexpected(key.error());
    if (last && *key <= *last) return fail(ErrorCode::kInvalid, "keys that do not ascend");
    last = *key;
    if (*key < 64) seen |= SeenKeys{1} << *key;
    const std::optional<Result<void>> read = visit(*key);
    if (read && !*read) return tl::unexpected(read->error());
    if (read) continue;
    if (const auto skipped = decoder.skip(); !skipped) return tl::unexpected(skipped.error());
  }
  return seen;
}

template <typename... Keys>
[[nodiscard]] constexpr SeenKeys keys_of(Keys... keys) noexcept {
  return ((SeenKeys{1} << keys) | ...);
}

[[nodiscard]] inline Result<void> require(SeenKeys seen, SeenKeys required) noexcept {
  if ((seen & required) != required) return fail(ErrorCode::kInvalid, "a required key is missing");
  return {};
}

template <std::size_t N, typename Tag>
[[nodiscard]] Result<void> read(cbor::Decoder& decoder, IdBytes<N, Tag>& out) noexcept {
  const auto bytes = decoder.bytes();
  if (!bytes) return tl::unexpected(bytes.error());
  const auto id = IdBytes<N, Tag>::from_bytes(*bytes);
  if (!id) return fail(ErrorCode::kInvalid, "an id of another length");
  out = *id;
  return {};
}

[[nodiscard]] inline Result<void> read(cbor::Decoder& decoder, std::string& out) {
  const auto text = decoder.text();
  if (!text) return tl::unexpected(text.error());
  out = *text;
  return {};
}

[[nodiscard]] inline Result<void> read(cbor::Decoder& decoder, UnixNanos& out) noexcept {
  const auto value = decoder.integer();
  if (!value) return tl::unexpected(value.error());
  out.value = *value;
  return {};
}

[[nodiscard]] inline Result<void> read(cbor::Decoder& decoder, double& out) noexcept {
  const auto value = decoder.float64();
  if (!value) return tl::unexpected(value.error());
  out = *value;
  return {};
}

[[nodiscard]] inline Result<void> read(cbor::Decoder& decoder, bool& out) noexcept {
  const auto value = decoder.boolean();
  if (!value) return tl::unexpected(value.error());
  out = *value;
  return {};
}

struct Range {
  std::int64_t least;
  std::int64_t most;
};

// An integer or an enumeration within `range`, which must fit T.
template <typename T>
[[nodiscard]] Result<void> read_within(cbor::Decoder& decoder, Range range, T& out) noexcept {
  const auto value = decoder.integer();
  if (!value) return tl::unexpected(value.error());
  if (*value < range.least || *value > range.most)
    return fail(ErrorCode::kInvalid, "a number out of its range");
  out = static_cast<T>(*value);
  return {};
}

[[nodiscard]] inline Result<void> read(cbor::Decoder& decoder, std::uint64_t& out) noexcept {
  const auto value = decoder.unsigned_integer();
  if (!value) return tl::unexpected(value.error());
  out = *value;
  return {};
}
[[nodiscard]] inline Result<void> read(cbor::Decoder& decoder, std::uint32_t& out) noexcept {
  return read_within(decoder, {0, std::numeric_limits<std::uint32_t>::max()}, out);
}
[[nodiscard]] inline Result<void> read(cbor::Decoder& decoder, std::uint8_t& out) noexcept {
  return read_within(decoder, {0, std::numeric_limits<std::uint8_t>::max()}, out);
}
[[nodiscard]] inline Result<void> read(cbor::Decoder& decoder, std::int32_t& out) noexcept {
  return read_within(
      decoder, {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()}, out);
}

}  // namespace fluxrig::model
