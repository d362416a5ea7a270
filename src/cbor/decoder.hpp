// A pull decoder for the deterministic CBOR that Encoder writes, over hostile bytes: it never reads past its
// input, never allocates by a length it has not seen, and refuses indefinite lengths, heads that are not the
// shortest, NaNs that are not the canonical one, text that is not UTF-8, tags, and nesting deeper than
// kMaxDepth. Views point into the input. One thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace fluxrig::cbor {

enum class Type : std::uint8_t {
  kUnsigned,
  kNegative,
  kBytes,
  kText,
  kArray,
  kMap,
  kBoolean,
  kNull,
  kFloat,
  kEnd
};

class Decoder {
 public:
  static constexpr int kMaxDepth = 32;

  explicit Decoder(ByteView input) noexcept : input_(input) {}

  // The type of the next item, by its first byte alone; kEnd at the end of the input or where no supported
  // item starts.
  [[nodiscard]] Type peek() const noexcept;

  // Each fails with kTruncated when the input ends inside the item, kInvalid when it is of another type or
  // not deterministic; the position is then unchanged.
  [[nodiscard]] Result<std::uint64_t> unsigned_integer() noexcept;
  [[nodiscard]] Result<std::int64_t> integer() noexcept;  // kOversize outside of int64
  [[nodiscard]] Result<ByteView> bytes() noexcept;
  [[nodiscard]] Result<std::string_view> text() noexcept;
  [[nodiscard]] Result<std::size_t> array() noexcept;  // number of items that follow; <= bytes left
  [[nodiscard]] Result<std::size_t> map() noexcept;    // number of pairs that follow; 2n <= bytes left
  [[nodiscard]] Result<bool> boolean() noexcept;
  [[nodiscard]] Result<void> null() noexcept;
  [[nodiscard]] Result<double> float64() noexcept;         // the 8-byte form only
  [[nodiscard]] Result<std::uint32_t> fixed32() noexcept;  // the 5-byte form only, see Encoder::fixed32
  [[nodiscard]] Result<ByteView> skip() noexcept;          // one whole item of any supported type; its bytes

  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }
  [[nodiscard]] bool at_end() const noexcept { return offset_ == input_.size(); }

 private:
  struct Head {
    std::uint8_t major;
    std::uint8_t info;
    std::uint64_t argument;
    std::size_t size;
  };
  [[nodiscard]] Result<Head> head() const noexcept;
  [[nodiscard]] Result<Head> head_of(std::uint8_t major) const noexcept;
  // Past one scalar, or past the head of a container with that many items in it.
  [[nodiscard]] Result<void> skip_head(std::uint64_t& children) noexcept;

  ByteView input_;
  std::size_t offset_ = 0;
};

}  // namespace fluxrig::cbor
