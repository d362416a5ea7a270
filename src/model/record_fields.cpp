#include "model/record_fields.hpp"

#include "model/record_keys.hpp"

namespace fluxrig::model {

using cbor::Decoder;

Result<std::size_t> read_count(Decoder& decoder, std::size_t most) noexcept {
  const auto items = decoder.array();
  if (items && *items > most) return fail(ErrorCode::kOversize, "an array over its largest count");
  return items;
}

Result<void> read_value(Decoder& decoder, Value& out) {
  switch (decoder.peek()) {
    case cbor::Type::kText:
      return read(decoder, out.emplace<std::string>());
    case cbor::Type::kUnsigned:
    case cbor::Type::kNegative: {
      const auto value = decoder.integer();
      if (!value) return tl::unexpected(value.error());
      out = *value;
      return {};
    }
    case cbor::Type::kFloat:
      return read(decoder, out.emplace<double>());
    case cbor::Type::kBoolean:
      return read(decoder, out.emplace<bool>());
    default:
      return fail(ErrorCode::kInvalid, "an attribute's value of another type");
  }
}

Result<void> read_attributes(Decoder& decoder, std::vector<Attribute>& out) {
  const auto items = read_count(decoder, 2 * kMaxAttributes);
  if (!items) return tl::unexpected(items.error());
  if (*items % 2 != 0) return fail(ErrorCode::kInvalid, "an attribute without a value");
  out.resize(*items / 2);
  for (Attribute& attribute : out) {
    if (auto done = read(decoder, attribute.key); !done) return done;
    if (auto done = read_value(decoder, attribute.value); !done) return done;
  }
  return {};
}

Result<void> check(const Decoder& decoder, const Result<SeenKeys>& seen, SeenKeys required) noexcept {
  if (!seen) return tl::unexpected(seen.error());
  if (!decoder.at_end()) return fail(ErrorCode::kInvalid, "bytes behind a record");
  return require(*seen, required);
}

}  // namespace fluxrig::model
