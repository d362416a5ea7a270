#include "otlp/grpc_status.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "base/clock.hpp"
#include "otlp/export_response.hpp"
#include "otlp/grpc_message.hpp"
#include "otlp/retry_after.hpp"

namespace fluxrig::otlp {
namespace {

using namespace std::string_literals;

TEST(GrpcStatus, OnlyTheRetryableCodesAreRetried) {
  const std::vector<unsigned> retryable{1, 4, 10, 11, 14, 15};
  for (unsigned code = 0; code < 300; ++code) {
    const bool expected = std::find(retryable.begin(), retryable.end(), code) != retryable.end();
    EXPECT_EQ(may_retry_grpc(code, /*says_when=*/false), expected) << name_of_grpc(code);
    EXPECT_EQ(may_retry_grpc(code, /*says_when=*/true), expected || code == 8) << name_of_grpc(code);
  }
}

TEST(GrpcStatus, ANumberThatIsNoCodeIsUnknown) {
  EXPECT_EQ(name_of_grpc(14), "UNAVAILABLE");
  EXPECT_EQ(name_of_grpc(16), "UNAUTHENTICATED");
  EXPECT_EQ(name_of_grpc(17), "UNKNOWN");
  EXPECT_EQ(parse_grpc_status("14"), 14U);
  for (const auto* text : {"", "-1", "14 ", "x", "99999999999"})
    EXPECT_FALSE(parse_grpc_status(text)) << text;
}

TEST(GrpcStatus, MessagesAreDecodedShortAndPrintable) {
  EXPECT_EQ(decode_grpc_message("too%20old"), "too old");
  EXPECT_EQ(decode_grpc_message("100% of it%"), "100% of it%");
  EXPECT_EQ(decode_grpc_message("%1b[31m%C3%A4\x80"), "?[31m???");
  EXPECT_EQ(decode_grpc_message(std::string(5'000, 'x')).size(), kMaxAnswerText);
}

// google.rpc.Status {details: [Any]} with these bytes in the value of the Any.
std::string status_with(std::string_view type, std::string_view value) {
  const auto field = [](char tag, std::string_view bytes) {
    return std::string{tag, static_cast<char>(bytes.size())}.append(bytes);
  };
  return field('\x1a', field('\x0a', type) + field('\x12', value));
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0;
  unsigned held = 0;
  for (const char c : bytes) {
    bits = bits << 8U | static_cast<unsigned char>(c);
    held += 8;
    for (; held >= 6; held -= 6) out += kDigits[bits >> (held - 6) & 63U];
  }
  if (held != 0) out += kDigits[bits << (6 - held) & 63U];
  return out;
}

constexpr std::string_view kRetryInfo = "type.googleapis.com/google.rpc.RetryInfo";

TEST(GrpcRetryInfo, SecondsAndNanosAreTheDelay) {
  EXPECT_EQ(grpc_retry_delay(base64(status_with(kRetryInfo, "\x0a\x02\x08\x05"s))), 5 * kNanosPerSecond);
  EXPECT_EQ(grpc_retry_delay(base64(status_with(kRetryInfo, "\x0a\x04\x08\x02\x10\x07"s))),
            2 * kNanosPerSecond + 7);
  EXPECT_EQ(grpc_retry_delay(base64(status_with(kRetryInfo, "\x0a\x02\x08\x05"s)) + "=="),
            5 * kNanosPerSecond);
}

TEST(GrpcRetryInfo, WithoutADelayItStillSaysThatItMayBeTried) {
  EXPECT_EQ(grpc_retry_delay(base64(status_with(kRetryInfo, ""))), 0);
  EXPECT_EQ(grpc_retry_delay(base64(status_with(kRetryInfo, "\x0a\0"s))), 0);
}

TEST(GrpcRetryInfo, IsFoundAmongOtherDetails) {
  const auto other = status_with("type.googleapis.com/google.rpc.ErrorInfo", "\x0a\x01x"s);
  EXPECT_FALSE(grpc_retry_delay(base64(other)));
  EXPECT_EQ(grpc_retry_delay(base64("\x08\x08"s + other + status_with(kRetryInfo, "\x0a\x02\x08\x01"s))),
            kNanosPerSecond);
}

TEST(GrpcRetryInfo, ADelayIsWithinItsBounds) {
  const auto minus_one = "\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s;
  EXPECT_EQ(grpc_retry_delay(base64(status_with(kRetryInfo, minus_one))), 0);
  const auto huge = "\x0a\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f"s;
  EXPECT_EQ(grpc_retry_delay(base64(status_with(kRetryInfo, huge))), kMaxRetryAfter);
}

TEST(GrpcRetryInfo, WhatIsNoneIsNone) {
  const auto whole = base64(status_with(kRetryInfo, "\x0a\x02\x08\x05"s));
  for (const auto& text : {""s, "?"s, "A"s, "not base64!"s, whole.substr(0, 20), base64("\xff\xff\xff")})
    EXPECT_FALSE(grpc_retry_delay(text)) << text;
}

TEST(GrpcMessage, AFrameHoldsItsMessage) {
  EXPECT_EQ(frame_grpc("abc", GrpcPacking::kPlain), "\0\0\0\0\3abc"s);
  const std::string large(70'000, 'x');
  EXPECT_EQ(unframe_grpc(frame_grpc(large, GrpcPacking::kPlain)), large);
  const auto zipped = frame_grpc(large, GrpcPacking::kGzip);
  EXPECT_EQ(zipped.substr(0, 1), "\1");
  EXPECT_EQ(zipped.substr(5, 2), "\x1f\x8b");
  EXPECT_LT(zipped.size(), 1'000U);
}

}  // namespace
}  // namespace fluxrig::otlp
