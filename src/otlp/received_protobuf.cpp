// An ExportTraceServiceRequest in protobuf.
#include <protozero/pbf_reader.hpp>

#include "otlp/received_encodings.hpp"
#include "otlp/received_walk.hpp"

namespace fluxrig::otlp {
namespace {

using protozero::pbf_wire_type;

class ProtobufMessage;

class ProtobufItem {
 public:
  explicit ProtobufItem(protozero::pbf_reader& reader) : reader_(reader) {}
  [[nodiscard]] bool is_taken() const noexcept { return taken_; }

  // Strings are UTF-8, by the encoding's own rules.
  std::optional<std::string_view> text() {
    const auto read = view();
    return read && is_utf8(*read) ? read : std::nullopt;
  }
  std::optional<std::string> base64() {
    const auto read = view();
    if (!read) return std::nullopt;
    return base64_of(*read);
  }
  IdRead id(Bytes& into) {
    const auto read = view();
    if (!read) return IdRead::kOtherType;
    const auto bytes = as_bytes(*read);
    if (bytes.size() <= kLongestId) into.assign(bytes.begin(), bytes.end());
    return bytes.size() <= kLongestId ? IdRead::kRead : IdRead::kNoHex;
  }
  std::optional<std::uint64_t> fixed64() {
    if (!is(pbf_wire_type::fixed64)) return std::nullopt;
    return reader_.get_fixed64();
  }
  std::optional<double> real() {
    if (!is(pbf_wire_type::fixed64)) return std::nullopt;
    return reader_.get_double();
  }
  std::optional<std::int64_t> int64() {
    if (!is(pbf_wire_type::varint)) return std::nullopt;
    return reader_.get_int64();
  }
  std::optional<std::uint32_t> uint32() {
    if (!is(pbf_wire_type::varint)) return std::nullopt;
    return reader_.get_uint32();
  }
  std::optional<int> enumeration() {
    if (!is(pbf_wire_type::varint)) return std::nullopt;
    return reader_.get_enum();
  }
  std::optional<bool> boolean() {
    if (!is(pbf_wire_type::varint)) return std::nullopt;
    return reader_.get_bool();
  }
  std::optional<ProtobufMessage> message();

 private:
  static constexpr std::size_t kLongestId = 64;

  bool is(pbf_wire_type type) {
    taken_ = reader_.wire_type() == type;
    return taken_;
  }
  std::optional<std::string_view> view() {
    if (!is(pbf_wire_type::length_delimited)) return std::nullopt;
    const auto read = reader_.get_view();
    return std::string_view(read.data(), read.size());
  }

  protozero::pbf_reader& reader_;
  bool taken_ = false;
};

class ProtobufMessage {
 public:
  explicit ProtobufMessage(std::string_view bytes) : reader_(bytes.data(), bytes.size()) {}
  explicit ProtobufMessage(protozero::pbf_reader reader) : reader_(reader) {}

  template <typename Fields, typename Visit>
  [[nodiscard]] bool each(const Fields& fields, Visit&& visit) const {
    auto reader = reader_;  // from the beginning, each time
    while (reader.next()) {
      const std::uint32_t number = reader.tag();
      ProtobufItem item(reader);
      const bool known = std::any_of(fields.begin(), fields.end(),
                                     [number](const Field& field) { return field.number == number; });
      if (known && !visit(number, item)) return false;
      if (!item.is_taken()) reader.skip();
    }
    return true;
  }

 private:
  protozero::pbf_reader reader_;
};

std::optional<ProtobufMessage> ProtobufItem::message() {
  if (!is(pbf_wire_type::length_delimited)) return std::nullopt;
  return ProtobufMessage(reader_.get_message());
}

}  // namespace

Result<ReceivedTraces> decode_protobuf_traces(std::string_view body) {
  TraceWalk<ProtobufMessage> walk;
  try {
    if (!walk.request(ProtobufMessage(body)))
      return fail(ErrorCode::kInvalid, "a field is not what opentelemetry-proto says");
  } catch (const protozero::exception&) {
    return fail(ErrorCode::kInvalid, "the body is no protobuf message");
  }
  return walk.take();
}

}  // namespace fluxrig::otlp
