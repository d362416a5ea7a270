#include <protozero/pbf_writer.hpp>

#include "base/utf8.hpp"
#include "otlp/request_walk.hpp"
#include "otlp/text.hpp"
#include "otlp/writers.hpp"

namespace fluxrig::otlp {
namespace {

class ProtobufWriter {
 public:
  class List {
   public:
    List(protozero::pbf_writer& message, const std::string& body, Field field)
        : message_(message), body_(body), field_(field) {}
    template <typename Write>
    bool item(Write&& write) {
      protozero::pbf_writer nested(message_, field_.number);
      ProtobufWriter writer(nested, body_);
      if constexpr (std::is_same_v<decltype(write(writer)), bool>) {
        if (!write(writer)) {
          nested.rollback();
          return false;
        }
      } else {
        write(writer);
      }
      return true;
    }

   private:
    protozero::pbf_writer& message_;
    const std::string& body_;
    Field field_;
  };

  template <typename Write>
  static void write(std::string& body, Write&& write) {
    protozero::pbf_writer message(body);
    ProtobufWriter writer(message, body);
    write(writer);
  }

  [[nodiscard]] std::size_t size() const noexcept { return body_.size(); }
  void text(Field field, std::string_view text) {
    if (is_utf8(text))
      message_.add_string(field.number, text.data(), text.size());
    else
      message_.add_string(field.number, repaired(text));
  }
  void id(Field field, ByteView bytes) {
    const auto view = as_text(bytes);
    message_.add_bytes(field.number, view.data(), view.size());
  }
  void uint32(Field field, std::uint32_t number) { message_.add_uint32(field.number, number); }
  void fixed32(Field field, std::uint32_t number) { message_.add_fixed32(field.number, number); }
  void fixed64(Field field, std::uint64_t number) { message_.add_fixed64(field.number, number); }
  void int64(Field field, std::int64_t number) { message_.add_int64(field.number, number); }
  void sint32(Field field, std::int32_t number) { message_.add_sint32(field.number, number); }
  void real(Field field, double number) { message_.add_double(field.number, number); }
  void boolean(Field field, bool flag) { message_.add_bool(field.number, flag); }
  void enumeration(Field field, int number) { message_.add_enum(field.number, number); }
  void uint64s(Field field, const std::vector<std::uint64_t>& numbers) {
    message_.add_packed_uint64(field.number, numbers.begin(), numbers.end());
  }
  void fixed64s(Field field, const std::vector<std::uint64_t>& numbers) {
    message_.add_packed_fixed64(field.number, numbers.begin(), numbers.end());
  }
  void reals(Field field, const std::vector<double>& numbers) {
    message_.add_packed_double(field.number, numbers.begin(), numbers.end());
  }
  template <typename Write>
  void message(Field field, Write&& write) {
    protozero::pbf_writer nested(message_, field.number);
    ProtobufWriter writer(nested, body_);
    write(writer);
  }
  template <typename Write>
  void list(Field field, Write&& write) {
    List list(message_, body_, field);
    write(list);
  }

 private:
  ProtobufWriter(protozero::pbf_writer& message, const std::string& body) : message_(message), body_(body) {}

  protozero::pbf_writer& message_;
  const std::string& body_;
};

}  // namespace

Encoded encode_protobuf(const Plan& plan, const Options& options) {
  return RequestWalk<ProtobufWriter>(plan, options).run();
}

}  // namespace fluxrig::otlp
