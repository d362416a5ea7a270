#include "otlp/export_response.hpp"

#include <gtest/gtest.h>

namespace fluxrig::otlp {
namespace {

using namespace std::string_literals;

// partial_success { rejected: 300, error_message: "too old" }, by hand after the wire format.
const std::string kPartial = "\x0a\x0c\x08\xac\x02\x12\x07too old"s;

TEST(ExportResponse, AnEmptyBodyIsAFullSuccess) {
  for (const auto protocol : {Protocol::kHttpProtobuf, Protocol::kHttpJson}) {
    const auto decoded = decode_response("", protocol);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, PartialSuccess{});
  }
  EXPECT_EQ(decode_response("{}", Protocol::kHttpJson), PartialSuccess{});
}

TEST(ExportResponse, PartialSuccessInProtobufAndJsonIsTheSame) {
  const PartialSuccess expected{300, "too old"};
  EXPECT_EQ(decode_response(kPartial, Protocol::kHttpProtobuf), expected);
  for (const auto* name : {"rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"})
    for (const auto* number : {"300", "\"300\""}) {
      const auto text =
          R"({"partialSuccess": {")"s + name + "\": " + number + R"(, "errorMessage": "too old"}})";
      EXPECT_EQ(decode_response(text, Protocol::kHttpJson), expected) << text;
    }
}

TEST(ExportResponse, UnknownFieldsAreIgnored) {
  // Field 9 as a varint, a fixed64, bytes and a fixed32 around partial_success; field 3 within it.
  const auto unknown =
      "\x48\x01"s + "\x49\1\2\3\4\5\6\7\x08"s + "\x0a\x04\x08\x05\x18\x01"s + "\x4a\x02hi"s + "\x4d\1\2\3\4"s;
  EXPECT_EQ(decode_response(unknown, Protocol::kHttpProtobuf), (PartialSuccess{5, ""}));
  EXPECT_EQ(decode_response(R"({"a":[{"errorMessage":"x"}],"partialSuccess":{"b":{"rejectedSpans":9},)"
                            R"("rejectedSpans":"5","errorMessage":null},"errorMessage":"y"})",
                            Protocol::kHttpJson),
            (PartialSuccess{5, ""}));
}

TEST(ExportResponse, ANegativeCountIsNone) {
  const auto minus_one = "\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s;
  EXPECT_EQ(decode_response(minus_one, Protocol::kHttpProtobuf), PartialSuccess{});
  EXPECT_EQ(decode_response(R"({"partialSuccess":{"rejectedSpans":-1}})", Protocol::kHttpJson),
            PartialSuccess{});
}

TEST(ExportResponse, GarbageIsRefused) {
  for (const auto& body : {"<html>oops</html>"s, kPartial.substr(0, 5), "\xff"s, "\x0a\xff\xff\xff\xff\x0f"s})
    EXPECT_FALSE(decode_response(body, Protocol::kHttpProtobuf)) << body;
  for (const auto* body :
       {"<html>", "[]", "3", "{", "{} {}", "{}x", "\"text\"", R"({"partialSuccess":{"rejectedSpans":1.5}})",
        R"({"partialSuccess":{"rejectedSpans":"many"}})"})
    EXPECT_FALSE(decode_response(body, Protocol::kHttpJson)) << body;
  EXPECT_FALSE(decode_response(std::string(100'000, '['), Protocol::kHttpJson));
}

TEST(ExportResponse, TextOfTheBackEndIsShortAndPrintable) {
  const auto json = R"({"partialSuccess":{"errorMessage":"a\n\u001b[31m)" + std::string(5'000, 'b') + "\"}}";
  const auto decoded = decode_response(json, Protocol::kHttpJson);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->message.size(), kMaxAnswerText);
  EXPECT_EQ(decoded->message.substr(0, 8), "a??[31mb");
}

TEST(ExportResponse, StatusMessageIsReadWhereThereIsOne) {
  EXPECT_EQ(decode_status_message("\x08\x03\x12\x03"s + "bad", Protocol::kHttpProtobuf), "bad");
  EXPECT_EQ(decode_status_message(R"({"code":3,"message":"bad"})", Protocol::kHttpJson), "bad");
  EXPECT_EQ(decode_status_message("<html>Bad Gateway</html>", Protocol::kHttpProtobuf), "");
  EXPECT_EQ(decode_status_message("<html>Bad Gateway</html>", Protocol::kHttpJson), "");
}

}  // namespace
}  // namespace fluxrig::otlp
