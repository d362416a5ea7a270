#include "cbor/decoder.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "base/utf8.hpp"

namespace fluxrig::cbor {
namespace {

constexpr std::uint8_t kTagMajor = 6;
constexpr std::uint8_t kSimpleMajor = 7;
constexpr std::uint8_t kFalseInfo = 20;
constexpr std::uint8_t kTrueInfo = 21;
constexpr std::uint8_t kNullInfo = 22;
constexpr std::uint8_t kFloat64Info = 27;
constexpr std::uint8_t kUnsigned32 = 0x1a;
constexpr std::uint64_t kCanonicalNan = 0x7ff8000000000000U;

constexpr std::uint8_t kUnsignedMajor = 0;
constexpr std::uint8_t kNegativeMajor = 1;
constexpr std::uint8_t kBytesMajor = 2;
constexpr std::uint8_t kTextMajor = 3;
constexpr std::uint8_t kArrayMajor = 4;
constexpr std::uint8_t kMapMajor = 5;

tl::unexpected<Error> truncated() noexcept { return fail(ErrorCode::kTruncated, "CBOR ends inside an item"); }
tl::unexpected<Error> wrong_type() noexcept { return fail(ErrorCode::kInvalid, "CBOR item of another type"); }

bool is_simple(std::uint8_t info) noexcept {
  return info == kFalseInfo || info == kTrueInfo || info == kNullInfo || info == kFloat64Info;
}

// Bytes of argument behind the initial byte.
std::size_t argument_size(std::uint8_t info) noexcept {
  return info < 24 ? 0 : std::size_t{1} << (info - 24);
}

}  // namespace

Type Decoder::peek() const noexcept {
  if (at_end()) return Type::kEnd;
  const auto major = static_cast<std::uint8_t>(input_[offset_] >> 5);
  const auto info = static_cast<std::uint8_t>(input_[offset_] & 0x1f);
  if (major < kTagMajor) return info > 27 ? Type::kEnd : static_cast<Type>(major);
  if (major == kTagMajor || !is_simple(info)) return Type::kEnd;
  if (info == kFloat64Info) return Type::kFloat;
  return info == kNullInfo ? Type::kNull : Type::kBoolean;
}

Result<Decoder::Head> Decoder::head() const noexcept {
  if (at_end()) return truncated();
  const std::uint8_t* at = input_.data() + offset_;
  Head head{static_cast<std::uint8_t>(*at >> 5), static_cast<std::uint8_t>(*at & 0x1f), 0, 1};
  if (head.major == kTagMajor) return fail(ErrorCode::kInvalid, "CBOR tags are not accepted");
  if (head.major == kSimpleMajor && !is_simple(head.info))
    return fail(ErrorCode::kInvalid, "CBOR simple value or float that is not accepted");
  if (head.info > 27) return fail(ErrorCode::kInvalid, "CBOR of indefinite or reserved length");
  const std::size_t size = argument_size(head.info);
  if (input_.size() - offset_ - 1 < size) return truncated();
  head.size += size;
  switch (size) {
    case 0:
      head.argument = head.info;
      return head;
    case 1:
      head.argument = at[1];
      break;
    case 2:
      head.argument = load_be16(at + 1);
      break;
    case 4:
      head.argument = load_be32(at + 1);
      break;
    default:
      head.argument = load_be64(at + 1);
      break;
  }
  // A double is no argument. Every other one must not fit the next shorter form.
  constexpr std::array<std::uint64_t, 4> kLeast{24, 0x100, 0x10000, 0x100000000U};
  if (head.major != kSimpleMajor && head.argument < kLeast[head.info - 24U])
    return fail(ErrorCode::kInvalid, "CBOR head that is not the shortest");
  return head;
}

Result<Decoder::Head> Decoder::head_of(std::uint8_t major) const noexcept {
  auto found = head();
  if (found && found->major != major) return wrong_type();
  return found;
}

Result<std::uint64_t> Decoder::unsigned_integer() noexcept {
  const auto found = head_of(kUnsignedMajor);
  if (!found) return tl::unexpected(found.error());
  offset_ += found->size;
  return found->argument;
}

Result<std::int64_t> Decoder::integer() noexcept {
  const auto found = head();
  if (!found) return tl::unexpected(found.error());
  if (found->major != kUnsignedMajor && found->major != kNegativeMajor) return wrong_type();
  if (found->argument > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return fail(ErrorCode::kOversize, "CBOR integer over 64 bits");
  offset_ += found->size;
  const auto magnitude = static_cast<std::int64_t>(found->argument);
  return found->major == kUnsignedMajor ? magnitude : -1 - magnitude;
}

Result<ByteView> Decoder::bytes() noexcept {
  const auto found = head_of(kBytesMajor);
  if (!found) return tl::unexpected(found.error());
  if (found->argument > input_.size() - offset_ - found->size) return truncated();
  const ByteView view = input_.subspan(offset_ + found->size, found->argument);
  offset_ += found->size + view.size();
  return view;
}

Result<std::string_view> Decoder::text() noexcept {
  const auto found = head_of(kTextMajor);
  if (!found) return tl::unexpected(found.error());
  if (found->argument > input_.size() - offset_ - found->size) return truncated();
  const std::string_view view = as_text(input_.subspan(offset_ + found->size, found->argument));
  if (!is_utf8(view)) return fail(ErrorCode::kInvalid, "CBOR text that is not UTF-8");
  offset_ += found->size + view.size();
  return view;
}

Result<std::size_t> Decoder::array() noexcept {
  const auto found = head_of(kArrayMajor);
  if (!found) return tl::unexpected(found.error());
  // An item has at least one byte: so no caller can be made to reserve more than the input's own size.
  if (found->argument > input_.size() - offset_ - found->size) return truncated();
  offset_ += found->size;
  return static_cast<std::size_t>(found->argument);
}

Result<std::size_t> Decoder::map() noexcept {
  const auto found = head_of(kMapMajor);
  if (!found) return tl::unexpected(found.error());
  if (found->argument > (input_.size() - offset_ - found->size) / 2) return truncated();
  offset_ += found->size;
  return static_cast<std::size_t>(found->argument);
}

Result<bool> Decoder::boolean() noexcept {
  const auto found = head_of(kSimpleMajor);
  if (!found) return tl::unexpected(found.error());
  if (found->info != kFalseInfo && found->info != kTrueInfo) return wrong_type();
  offset_ += found->size;
  return found->info == kTrueInfo;
}

Result<void> Decoder::null() noexcept {
  const auto found = head_of(kSimpleMajor);
  if (!found) return tl::unexpected(found.error());
  if (found->info != kNullInfo) return wrong_type();
  offset_ += found->size;
  return {};
}

Result<double> Decoder::float64() noexcept {
  const auto found = head_of(kSimpleMajor);
  if (!found) return tl::unexpected(found.error());
  if (found->info != kFloat64Info) return wrong_type();
  const auto value = std::bit_cast<double>(found->argument);
  if (std::isnan(value) && found->argument != kCanonicalNan)
    return fail(ErrorCode::kInvalid, "CBOR NaN that is not the canonical one");
  offset_ += found->size;
  return value;
}

Result<std::uint32_t> Decoder::fixed32() noexcept {
  if (at_end()) return truncated();
  if (input_[offset_] != kUnsigned32) return wrong_type();
  if (input_.size() - offset_ < 5) return truncated();
  const std::uint32_t value = load_be32(input_.data() + offset_ + 1);
  offset_ += 5;
  return value;
}

Result<void> Decoder::skip_head(std::uint64_t& children) noexcept {
  children = 0;
  switch (peek()) {
    case Type::kBytes:
      return bytes().map([](ByteView) {});
    case Type::kText:
      return text().map([](std::string_view) {});
    case Type::kArray:
      return array().map([&](std::size_t items) { children = items; });
    case Type::kMap:
      return map().map([&](std::size_t entries) { children = 2 * std::uint64_t{entries}; });
    case Type::kFloat:
      return float64().map([](double) {});
    default: {
      const auto found = head();
      if (!found) return tl::unexpected(found.error());
      offset_ += found->size;
      return {};
    }
  }
}

Result<ByteView> Decoder::skip() noexcept {
  const std::size_t start = offset_;
  // Items still to come on each open level: no recursion, whatever the input nests.
  std::array<std::uint64_t, kMaxDepth + 1> left{};
  std::size_t depth = 0;
  left[0] = 1;
  while (true) {
    while (left[depth] == 0) {
      if (depth == 0) return input_.subspan(start, offset_ - start);
      --depth;
    }
    --left[depth];
    std::uint64_t children = 0;
    auto skipped = skip_head(children);
    if (skipped && children > 0 && depth == kMaxDepth)
      skipped = fail(ErrorCode::kOversize, "CBOR nested too deep");
    if (!skipped) {
      offset_ = start;
      return tl::unexpected(skipped.error());
    }
    if (children > 0) left[++depth] = children;
  }
}

}  // namespace fluxrig::cbor
