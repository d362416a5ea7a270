// No number of a request of services is hidden from the search by what it is turned into: cut, base64, JSON.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <protozero/pbf_writer.hpp>
#include <vector>

#include "otlp/test_received.hpp"
#include "otlp/text.hpp"

namespace fluxrig::otlp {
namespace {

using namespace received;
using testing::HasSubstr;
using testing::Not;
using namespace std::string_literals;

// The attribute `a` of a request whose value is these bytes, by itself and in a list; in both encodings.
std::vector<std::string> values_of_bytes(const std::string& bytes) {
  std::string value;
  protozero::pbf_writer(value).add_bytes(7, bytes);
  std::string list;
  protozero::pbf_writer(list).add_message(1, value);
  std::string in_list;
  protozero::pbf_writer(in_list).add_message(5, list);
  std::vector<std::string> out;
  for (const auto& held : {value, in_list}) {
    std::string pair;
    protozero::pbf_writer writer(pair);
    writer.add_string(1, "a");
    writer.add_message(2, held);
    auto span = span_bytes("n");
    protozero::pbf_writer(span).add_message(9, pair);
    const auto traces = decode_traces(in_protobuf(span), Protocol::kHttpProtobuf);
    EXPECT_TRUE(traces);
    if (traces) out.push_back(text_of(traces->spans.front(), "a"));
  }
  const auto json = fmt::format(R"({{"bytesValue":"{}"}})", to_base64(bytes));
  out.push_back(text_of(only(attributes(json)), "a"));
  out.push_back(text_of(only(attributes(fmt::format(R"({{"arrayValue":{{"values":[{}]}}}})", json))), "a"));
  return out;
}

TEST(ReceivedSearch, BytesAreSearchedBeforeTheyBecomeBase64) {
  // Packed digits, UTF-16, EBCDIC: in base64 nobody would find them any more.
  const std::string packed = "\x00\x41\x11\x11\x11\x11\x11\x11\x11\x00"s;
  std::string utf16;
  for (const char digit : "4111111111111111"s) utf16 += {digit, '\0'};
  const std::string ebcdic = "\xf4" + std::string(15, '\xf1');
  for (const auto& number : {packed, utf16, ebcdic})
    for (const auto& text : values_of_bytes(number)) {
      EXPECT_THAT(text, Not(HasSubstr(to_base64(number)))) << to_hex(as_bytes(number));
      EXPECT_THAT(text, HasSubstr("Kioq")) << "overwritten: " << text;
    }
  for (const auto& text : values_of_bytes("\x00\x01"s)) EXPECT_THAT(text, HasSubstr("AAE="));
}

TEST(ReceivedSearch, BytesThatAreCutAreSearchedBefore) {
  // The number stands where 4,096 characters of base64 end.
  const std::string number = "\x00\x41\x11\x11\x11\x11\x11\x11\x11\x00"s;
  const std::string bytes =
      std::string(kMaxReceivedText / 4 * 3 - 7, '\x01') + number + std::string(50, '\x02');
  for (const auto& text : values_of_bytes(bytes)) {
    EXPECT_LE(text.size(), kMaxReceivedText);
    EXPECT_THAT(text, Not(HasSubstr(to_base64(bytes).substr(kMaxReceivedText - 8, 8))));
  }
}

TEST(ReceivedSearch, ATextInAListIsSearchedBeforeItIsEscaped) {
  std::string utf16;
  for (const char digit : "4111111111111111"s) utf16 += std::string("\\u0000") + digit;
  const auto list = fmt::format(R"({{"arrayValue":{{"values":[{{"stringValue":"{}"}}]}}}})", utf16);
  EXPECT_THAT(text_of(only(attributes(list)), "a"), Not(HasSubstr("1\\u00001\\u0000")));
  const auto keys =
      fmt::format(R"({{"kvlistValue":{{"values":[{{"key":"{}","value":{{"intValue":1}}}}]}}}})", utf16);
  EXPECT_THAT(text_of(only(attributes(keys)), "a"), Not(HasSubstr("1\\u00001\\u0000")));
}

TEST(ReceivedSearch, AMemberOfAListIsTreatedByItsNameAsAnAttributeIs) {
  const auto list = [](const std::string& key, const std::string& value) {
    return text_of(only(attributes(fmt::format(
                       R"({{"kvlistValue":{{"values":[{{"key":"{}","value":{}}}]}}}})", key, value))),
                   "a");
  };
  EXPECT_EQ(list("pinBlock", R"({"bytesValue":"q83vEjRWeJA="})"), R"({"pinBlock":null})");
  EXPECT_EQ(list("cvv", R"({"intValue":"123"})"), R"({"cvv":null})");
  EXPECT_EQ(list("card.pan", R"({"stringValue":"4111111111111112"})"), R"({"card.pan":"411111******1112"})");
  EXPECT_EQ(list("card.pan", R"({"intValue":"4111111111111112"})"), R"({"card.pan":"411111******1112"})");
  EXPECT_EQ(list("note", R"({"intValue":"12"})"), R"({"note":12})");
}

TEST(ReceivedSearch, ACutHidesNoNumberFromTheSearch) {
  // All but its last digit stand before the cut.
  const std::string pan = "4111111111111111";
  const auto span =
      only(attributes(fmt::format(R"({{"stringValue":"{:{}}{}"}})", "", kMaxReceivedText - 15, pan)));
  const auto text = text_of(span, "a");
  EXPECT_EQ(text.size(), kMaxReceivedText);
  EXPECT_THAT(text, Not(HasSubstr(pan.substr(0, 12))));
}

}  // namespace
}  // namespace fluxrig::otlp
