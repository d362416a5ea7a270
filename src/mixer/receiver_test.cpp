// What the receiver answers, without sockets and without a store.
#include "mixer/receiver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "otlp/export_response.hpp"
#include "otlp/gzip.hpp"

namespace fluxrig::mixer {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kToken = "a-token-of-sixteen";

struct ReceiverTest : testing::Test {
  static ApiRequest traces(std::string type = "application/json", std::string body = "{}") {
    ApiRequest request;
    request.method = "POST";
    request.path = "/v1/traces";
    request.authorization = "Bearer " + std::string(kToken);
    request.content_type = std::move(type);
    request.body = std::move(body);
    return request;
  }
  // The status of the answer, whichever of the two gives it.
  ApiResponse answer(const ApiRequest& request) const {
    if (auto response = receiver.quick(request)) return *std::move(response);
    return receiver.handle(request);
  }
  static std::string header(const ApiResponse& response, std::string_view name) {
    for (const auto& [key, value] : response.headers)
      if (key == name) return value;
    return "none";
  }

  SystemClock clock;
  SpanIntake intake{clock};
  bool pressure = false;
  Receiver receiver{Receiver::Parts{intake, std::string(kToken), [this] { return pressure; }}};
};

TEST_F(ReceiverTest, ARefusalIsAStatusInTheRequestsOwnEncoding) {
  for (const auto* type : {"application/json", "application/x-protobuf"}) {
    const auto response = answer(traces(type, "\xff"));
    EXPECT_EQ(response.status, 400U);
    EXPECT_EQ(response.content_type, type);
    const auto protocol = response.content_type == "application/json" ? otlp::Protocol::kHttpJson
                                                                      : otlp::Protocol::kHttpProtobuf;
    EXPECT_THAT(otlp::decode_status_message(response.body.text(), protocol), HasSubstr("the body is no"));
  }
  EXPECT_EQ(receiver.figures().refused[static_cast<std::size_t>(ReceiveRefusal::kMalformed)], 2U);
}

TEST_F(ReceiverTest, OnlyItsTokenItsPathItsMethodAndItsEncodingsAreTaken) {
  EXPECT_EQ(answer(traces()).status, 200U);
  EXPECT_EQ(answer(traces("Application/JSON; charset=utf-8")).status, 200U);
  EXPECT_EQ(answer(traces("application/x-protobuf", "")).status, 200U);
  auto wrong = traces();
  wrong.authorization = "Bearer another";
  EXPECT_EQ(answer(wrong).status, 401U);
  EXPECT_EQ(header(answer(wrong), "WWW-Authenticate"), "Bearer realm=\"fluxrig\"");
  for (const auto* path : {"/v1/metrics", "/v1/logs", "/"}) {
    wrong = traces();
    wrong.path = path;
    EXPECT_EQ(answer(wrong).status, 404U) << path;
  }
  wrong = traces();
  wrong.method = "GET";
  EXPECT_EQ(answer(wrong).status, 405U);
  EXPECT_EQ(header(answer(wrong), "Allow"), "POST");
  for (const auto* type : {"", "text/plain", "application/jsonx"})
    EXPECT_EQ(answer(traces(type)).status, 415U) << type;
  wrong = traces();
  wrong.content_encoding = "br";
  EXPECT_EQ(answer(wrong).status, 415U);
}

TEST_F(ReceiverTest, GzipIsUnpackedWithinItsLimit) {
  auto packed = traces("application/json", otlp::gzip("{}"));
  packed.content_encoding = "GZIP";
  EXPECT_EQ(answer(packed).status, 200U);
  packed.body.pop_back();
  EXPECT_EQ(answer(packed).status, 400U);
  packed.body = otlp::gzip(std::string(Receiver::kMaxUnpacked + 1, ' '));
  EXPECT_EQ(answer(packed).status, 413U);
}

TEST_F(ReceiverTest, UnderPressureAndWithoutAStoreItIsToBeSentAgain) {
  pressure = true;
  auto response = answer(traces());
  EXPECT_EQ(response.status, 503U);
  EXPECT_EQ(header(response, "Retry-After"), "5");
  pressure = false;
  intake.close();
  response = answer(
      traces("application/json",
             R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736",)"
             R"("spanId":"00f067aa0ba902b7"}]}]}]})"));
  EXPECT_EQ(response.status, 503U);
  EXPECT_EQ(header(response, "Retry-After"), "1");
  EXPECT_EQ(receiver.refuse(503, "busy", "application/json").status, 503U);
  const auto figures = receiver.figures();
  for (const auto cause : {ReceiveRefusal::kPressure, ReceiveRefusal::kStore, ReceiveRefusal::kBusy})
    EXPECT_EQ(figures.refused[static_cast<std::size_t>(cause)], 1U) << static_cast<int>(cause);
}

TEST_F(ReceiverTest, RejectedSpansAreCountedAndSaidInAPartialSuccess) {
  const auto response =
      answer(traces("application/json", R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"}]}]}]})"));
  EXPECT_EQ(response.status, 200U);
  const auto partial = otlp::decode_response(response.body.text(), otlp::Protocol::kHttpJson);
  ASSERT_TRUE(partial);
  EXPECT_EQ(partial->rejected, 1U);
  EXPECT_THAT(partial->message, HasSubstr("trace_id"));
  EXPECT_EQ(receiver.figures().rejected, 1U);
}

TEST_F(ReceiverTest, ARefusalQuotesNothingOfTheRequest) {
  auto request = traces("application/4111111111111111", "4111111111111111");
  request.path = "/4111111111111111";
  const auto response = answer(request);
  EXPECT_THAT(response.body.text() + response.content_type, Not(HasSubstr("4111")));
}

TEST(CleanedSpan, IsSearchedAndTreatedByTheNamesOfItsKeys) {
  model::Span span;
  span.name = "pay 4111111111111111";
  span.status_message = "refused 4111111111111111";
  span.attributes = {{"card.pan", std::string("4111 1111 1111 1111")},
                     {"payment.cvv", std::int64_t{123}},
                     {"order", std::int64_t{4111111111111111}},
                     {"http.route", std::string("/pay")}};
  const auto record = cleaned(std::move(span));
  const auto& clean = std::get<model::Span>(record.value());
  EXPECT_THAT(clean.name, Not(HasSubstr("4111111111111111")));
  EXPECT_THAT(clean.status_message, Not(HasSubstr("4111111111111111")));
  ASSERT_EQ(clean.attributes.size(), 4U);
  EXPECT_EQ(clean.attributes[0].value, model::Value(std::string("4111 11** **** 1111")));
  EXPECT_EQ(clean.attributes[1].value, model::Value(std::string("411111******1111")));
  EXPECT_EQ(clean.attributes[2].value, model::Value(std::string("/pay")));
  EXPECT_EQ(clean.attributes[3].key, "fluxrig.redactions");
  EXPECT_EQ(clean.attributes[3].value, model::Value(std::string("card.pan mask, payment.cvv drop")));
}

}  // namespace
}  // namespace fluxrig::mixer
