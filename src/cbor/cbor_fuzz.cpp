// Any bytes: what skip() accepts is deterministic, so that decoding and encoding it again gives the same
// bytes.
#include <algorithm>

#include "base/assert.hpp"
#include "cbor/decoder.hpp"
#include "cbor/encoder.hpp"

namespace {

using fluxrig::cbor::Decoder;
using fluxrig::cbor::Encoder;
using fluxrig::cbor::Type;

// Skip has bounded the depth.
void copy_item(Decoder& decoder, Encoder& encoder) {
  switch (decoder.peek()) {
    case Type::kUnsigned:
      return encoder.unsigned_integer(decoder.unsigned_integer().value());
    case Type::kNegative: {
      Decoder before = decoder;
      if (const auto value = decoder.integer()) return encoder.integer(*value);
      return encoder.raw((decoder = before).skip().value());  // below int64: has no value of ours
    }
    case Type::kBytes:
      return encoder.bytes(decoder.bytes().value());
    case Type::kText:
      return encoder.text(decoder.text().value());
    case Type::kArray: {
      const std::size_t items = decoder.array().value();
      encoder.array(items);
      for (std::size_t i = 0; i < items; ++i) copy_item(decoder, encoder);
      return;
    }
    case Type::kMap: {
      const std::size_t entries = decoder.map().value();
      encoder.map(entries);
      for (std::size_t i = 0; i < 2 * entries; ++i) copy_item(decoder, encoder);
      return;
    }
    case Type::kBoolean:
      return encoder.boolean(decoder.boolean().value());
    case Type::kNull:
      FR_ASSERT(decoder.null().has_value());
      return encoder.null();
    case Type::kFloat:
      return encoder.float64(decoder.float64().value());
    case Type::kEnd:
      FR_ASSERT(false);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Decoder decoder({data, size});
  while (!decoder.at_end()) {
    const std::size_t before = decoder.offset();
    const auto item = decoder.skip();
    if (!item) {
      FR_ASSERT(decoder.offset() == before);
      return 0;
    }
    FR_ASSERT(decoder.offset() == before + item->size() && !item->empty());
    fluxrig::Bytes again;
    Encoder encoder(again);
    Decoder source(*item);
    copy_item(source, encoder);
    FR_ASSERT(source.at_end() && std::equal(again.begin(), again.end(), item->begin(), item->end()));
  }
  return 0;
}
