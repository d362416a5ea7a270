// Requests of services, as spans: in both encodings, and what is wrong with them.
#include "otlp/received_traces.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <protozero/pbf_writer.hpp>

#include "otlp/otlp_fixture.hpp"
#include "otlp/received_answer.hpp"
#include "otlp/test_received.hpp"

namespace fluxrig::otlp {
namespace {

using testing::HasSubstr;
using namespace received;
using namespace std::string_literals;

constexpr auto kBoth = {Protocol::kHttpProtobuf, Protocol::kHttpJson};
struct ReceivedTracesTest : test::Fixture {};

TEST_F(ReceivedTracesTest, WhatWeSendOurselvesComesBackFromBothEncodings) {
  auto sent = model::golden::span();
  records = {sent};
  for (const auto encoding : {Encoding::kProtobuf, Encoding::kJson}) {
    const auto bodies = encoded(model::Signal::kSpans, {.encoding = encoding, .limits = {}}).payloads;
    ASSERT_EQ(bodies.size(), 1U);
    const auto traces = decode_traces(
        bodies[0].body, encoding == Encoding::kJson ? Protocol::kHttpJson : Protocol::kHttpProtobuf);
    ASSERT_TRUE(traces);
    ASSERT_EQ(traces->spans.size(), 1U);
    const auto& got = traces->spans.front();
    EXPECT_EQ(got.trace_id, sent.trace_id);
    EXPECT_EQ(got.span_id, sent.span_id);
    EXPECT_EQ(got.parent_span_id, sent.parent_span_id);
    EXPECT_EQ(got.name, sent.name);
    EXPECT_EQ(got.kind, sent.kind);
    EXPECT_EQ(got.start, sent.start);
    EXPECT_EQ(got.end, sent.end);
    EXPECT_EQ(got.status, sent.status);
    for (const auto& [key, value] : sent.attributes) {
      const auto* held = value_of(got, key);
      ASSERT_NE(held, nullptr) << key;
      EXPECT_EQ(*held, value) << key;
    }
    EXPECT_EQ(text_of(got, "service.name"), "edge");
    EXPECT_EQ(text_of(got, "otel.scope.name"), "fluxrig");
    EXPECT_EQ(value_of(got, "telemetry.sdk.name"), nullptr) << "of a resource only what is listed is kept";
  }
}

TEST_F(ReceivedTracesTest, AResourceMayStandBehindItsSpansAndASpansOwnAttributeGoesFirst) {
  const auto span = only(
      R"({"resourceSpans":[{"scopeSpans":[{"spans":[{)" + std::string(kIds) +
      R"(,"attributes":[{"key":"host.name","value":{"stringValue":"own"}}]}],"scope":{"name":"lib","version":"2"}}],)"
      R"("resource":{"attributes":[{"key":"service.name","value":{"stringValue":"web"}},)"
      R"({"key":"host.name","value":{"stringValue":"common"}},{"key":"secret","value":{"stringValue":"x"}}]}}]})");
  EXPECT_EQ(text_of(span, "service.name"), "web");
  EXPECT_EQ(text_of(span, "host.name"), "own");
  EXPECT_EQ(text_of(span, "otel.scope.name"), "lib");
  EXPECT_EQ(text_of(span, "otel.scope.version"), "2");
  EXPECT_EQ(value_of(span, "secret"), nullptr);
}

TEST_F(ReceivedTracesTest, JsonNumbersMayBeStringsAndEnumerationsMayNot) {
  const auto span = only(with(
      R"("name":"checkout","kind":3,"startTimeUnixNano":"1795356187412000000","endTimeUnixNano":1795356187413000000,)"
      R"("status":{"code":2,"message":"no"},"droppedAttributesCount":2,"unknown":{"a":[1]},"attributes":null)"));
  EXPECT_EQ(span.name, "checkout");
  EXPECT_EQ(span.kind, model::SpanKind::kClient);
  EXPECT_EQ(span.start.value, 1795356187412000000);
  EXPECT_EQ(span.end.value, 1795356187413000000);
  EXPECT_EQ(span.status, model::StatusCode::kError);
  EXPECT_EQ(span.status_message, "no");
  EXPECT_EQ(*value_of(span, "otel.dropped_attributes_count"), model::Value(std::int64_t{2}));
  for (const char* wrong : {R"("kind":"SPAN_KIND_CLIENT")", R"("name":5)", R"("status":[1])",
                            R"("startTimeUnixNano":"soon")", R"("startTimeUnixNano":-1)", R"("traceId":7)"})
    EXPECT_FALSE(decode_traces(with(wrong), Protocol::kHttpJson)) << wrong;
}

TEST_F(ReceivedTracesTest, ValuesKeepTheirTypesAndListsBecomeJson) {
  const auto value = [](const std::string& json) { return *value_of(only(attributes(json)), "a"); };
  EXPECT_EQ(value(R"({"stringValue":"t"})"), model::Value(std::string("t")));
  EXPECT_EQ(value(R"({"boolValue":true})"), model::Value(true));
  EXPECT_EQ(value(R"({"intValue":"-7"})"), model::Value(std::int64_t{-7}));
  EXPECT_EQ(value(R"({"intValue":7})"), model::Value(std::int64_t{7}));
  EXPECT_EQ(value(R"({"doubleValue":0.5})"), model::Value(0.5));
  EXPECT_EQ(value(R"({"doubleValue":"-Infinity"})"), model::Value(-INFINITY));
  EXPECT_EQ(value(R"({"bytesValue":"AAE="})"), model::Value(std::string("AAE=")));
  EXPECT_EQ(value("{}"), model::Value(std::string()));
  EXPECT_EQ(
      value(
          R"({"arrayValue":{"values":[{"stringValue":"a\"b"},{"intValue":"1"},{},{"doubleValue":"NaN"}]}})"),
      model::Value(std::string(R"(["a\"b",1,null,"nan"])")));
  EXPECT_EQ(
      value(R"({"kvlistValue":{"values":[{"key":"k","value":{"arrayValue":{"values":[]}}},{"key":"n"}]}})"),
      model::Value(std::string(R"({"k":[],"n":null})")));
  EXPECT_FALSE(decode_traces(attributes(R"({"intValue":1,"boolValue":true})"), Protocol::kHttpJson))
      << "one of them";
}

TEST_F(ReceivedTracesTest, ASpanThatIsWrongByItselfIsRejectedAndTheOthersAreKept) {
  const auto spans = [](const std::string& wrong) {
    return decoded(R"({"resourceSpans":[{"scopeSpans":[{"spans":[{)" + wrong + "},{" + std::string(kIds) +
                   "}]}]}]}");
  };
  for (const std::string& wrong :
       {R"("spanId":"00f067aa0ba902b7")"s, R"("traceId":"4bf92f3577b34da6a3ce929d0e0e4736")"s,
        R"("traceId":"00000000000000000000000000000000","spanId":"00f067aa0ba902b7")"s,
        R"("traceId":"4bf92f35","spanId":"00f067aa0ba902b7")"s,
        R"("traceId":"4bf92f3577b34da6a3ce929d0e0e473x","spanId":"00f067aa0ba902b7")"s,
        std::string(kIds) + R"(,"parentSpanId":"00f067")",
        std::string(kIds) + R"(,"startTimeUnixNano":"18446744073709551615")"}) {
    const auto traces = spans(wrong);
    EXPECT_EQ(traces.spans.size(), 1U) << wrong;
    EXPECT_EQ(traces.rejected, 1U) << wrong;
    EXPECT_STRNE(traces.reason, "") << wrong;
  }
  EXPECT_EQ(spans(std::string(kIds) + R"(,"parentSpanId":"")").rejected, 0U) << "none is none";
}

TEST_F(ReceivedTracesTest, EventsAndLinksAreCountedNotKept) {
  const auto span = only(with(R"("events":[{"name":"e"},{"name":"f"}],"droppedEventsCount":3,"links":[{}])"));
  EXPECT_EQ(*value_of(span, "otel.dropped_events_count"), model::Value(std::int64_t{5}));
  EXPECT_EQ(*value_of(span, "otel.dropped_links_count"), model::Value(std::int64_t{1}));
  EXPECT_EQ(value_of(span, "otel.dropped_attributes_count"), nullptr);
}

TEST_F(ReceivedTracesTest, ATimeThatEndsBeforeItsStartEndsWithIt) {
  const auto span = only(with(R"("startTimeUnixNano":"20","endTimeUnixNano":"10")"));
  EXPECT_EQ(span.end.value, 20);
}

TEST_F(ReceivedTracesTest, WhatIsTooLongIsCutAtACharacterAndTooManyAttributesAreCounted) {
  const auto span = only(with(R"("name":")" + std::string(kMaxReceivedName - 1, 'n') + "\u00e9" + "x\""));
  EXPECT_EQ(span.name, std::string(kMaxReceivedName - 1, 'n'));
  std::string many;
  for (std::size_t i = 0; i < kMaxReceivedAttributes + 5; ++i)
    many += (many.empty() ? "" : ",") + (R"({"key":"k)" + std::to_string(i) + R"(","value":{"intValue":1}})");
  const auto crowded = only(with("\"attributes\":[" + many + "]"));
  EXPECT_EQ(crowded.attributes.size(), kMaxReceivedAttributes + 1);
  EXPECT_EQ(*value_of(crowded, "otel.dropped_attributes_count"), model::Value(std::int64_t{5}));
}

TEST_F(ReceivedTracesTest, AListIsNoWayAroundTheBounds) {
  std::string values;
  for (int i = 0; i < 100; ++i)
    values += (values.empty() ? "" : ",") + (R"({"stringValue":")" + std::string(20'000, 'v') + "\"}");
  EXPECT_LE(text_of(only(attributes(R"({"arrayValue":{"values":[)" + values + "]}}")), "a").size(),
            kMaxReceivedText);
}

TEST_F(ReceivedTracesTest, NestingIsBoundedInBothEncodings) {
  const auto nested = [](unsigned depth) {
    std::string json = R"({"intValue":1})";
    std::string bytes("\x18\x01", 2);
    for (unsigned i = 0; i < depth; ++i) {
      json.insert(0, R"({"arrayValue":{"values":[)").append("]}}");
      std::string list;
      protozero::pbf_writer(list).add_message(1, bytes);
      bytes.clear();
      protozero::pbf_writer(bytes).add_message(5, list);
    }
    std::string pair;
    protozero::pbf_writer writer(pair);
    writer.add_string(1, "a");
    writer.add_message(2, bytes);
    auto span = span_bytes("n");
    protozero::pbf_writer(span).add_message(9, pair);
    return std::pair{attributes(json), in_protobuf(span)};
  };
  const auto [json, bytes] = nested(kMaxReceivedDepth);
  EXPECT_EQ(text_of(only(json), "a"),
            std::string(kMaxReceivedDepth, '[') + "1" + std::string(kMaxReceivedDepth, ']'));
  EXPECT_TRUE(decode_traces(bytes, Protocol::kHttpProtobuf));
  const auto [deeper_json, deeper_bytes] = nested(kMaxReceivedDepth + 1);
  EXPECT_FALSE(decode_traces(deeper_json, Protocol::kHttpJson));
  EXPECT_FALSE(decode_traces(deeper_bytes, Protocol::kHttpProtobuf));
  const auto [hostile_json, hostile_bytes] = nested(5'000);
  EXPECT_FALSE(decode_traces(hostile_json, Protocol::kHttpJson));
  EXPECT_FALSE(decode_traces(hostile_bytes, Protocol::kHttpProtobuf));
}

TEST_F(ReceivedTracesTest, OfTooManySpansTheRestIsRejected) {
  std::string scope;
  protozero::pbf_writer writer(scope);
  for (std::size_t i = 0; i < kMaxReceivedSpans + 7; ++i) writer.add_message(2, span_bytes("n"));
  std::string of_resource;
  protozero::pbf_writer(of_resource).add_message(2, scope);
  std::string body;
  protozero::pbf_writer(body).add_message(1, of_resource);
  const auto traces = decode_traces(body, Protocol::kHttpProtobuf);
  ASSERT_TRUE(traces);
  EXPECT_EQ(traces->spans.size(), kMaxReceivedSpans);
  EXPECT_EQ(traces->rejected, 7U);
  EXPECT_THAT(traces->reason, HasSubstr("more than is taken at once"));
}

TEST_F(ReceivedTracesTest, BytesThatAreNoRequestAreRefused) {
  EXPECT_FALSE(decode_traces(in_protobuf(span_bytes("\xff\xfe")), Protocol::kHttpProtobuf)) << "no UTF-8";
  EXPECT_TRUE(decode_traces(in_protobuf(span_bytes("\u00e9")), Protocol::kHttpProtobuf));
  EXPECT_FALSE(decode_traces(in_protobuf(span_bytes("n")).substr(0, 20), Protocol::kHttpProtobuf)) << "cut";
  EXPECT_FALSE(decode_traces("\x0a\xff\xff\xff\xff\x0f", Protocol::kHttpProtobuf)) << "a length of 4 GiB";
  for (const std::string wrong : {"", "[]", "{", "nonsense", "{\"resourceSpans\":7}", "{\"a\":\"\xff\"}"})
    EXPECT_FALSE(decode_traces(wrong, Protocol::kHttpJson)) << wrong;
  for (const auto protocol : kBoth) {
    const auto none = decode_traces(protocol == Protocol::kHttpJson ? "{}" : "", protocol);
    ASSERT_TRUE(none);
    EXPECT_TRUE(none->spans.empty());
  }
  const auto large = decode_traces(std::string(kMaxReceivedJson + 1, ' '), Protocol::kHttpJson);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::kOversize);
}

TEST(ReceivedAnswer, IsReadByTheOtherSideInBothEncodings) {
  const PartialSuccess partial{3, "a \"reason\""};
  for (const auto protocol : kBoth) {
    EXPECT_EQ(*decode_response(encode_response(partial, protocol), protocol), partial);
    EXPECT_EQ(*decode_response(encode_response({}, protocol), protocol), PartialSuccess{});
    EXPECT_EQ(decode_status_message(encode_status(GrpcCode::kInvalidArgument, "why", protocol), protocol),
              "why");
  }
  EXPECT_EQ(encode_response({}, Protocol::kHttpJson), "{}");
  EXPECT_EQ(encode_response({}, Protocol::kHttpProtobuf), "") << "a full success has no field";
}

}  // namespace
}  // namespace fluxrig::otlp
