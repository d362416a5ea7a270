// What a transaction and its child spans become as spans, by value, in JSON: the protobuf says the same
// (tests/interop/otlp_encoding.test.mjs).
#include <cmath>
#include <limits>
#include <optional>

#include "otlp/otlp_fixture.hpp"
#include "sanitize/test_clean_list.hpp"

namespace fluxrig::otlp {
namespace {

using model::StatusCode;
using model::TransactionOutcome;
using testing::HasSubstr;
using testing::Not;

struct OtlpSpans : test::Fixture {
  void add_transaction(TransactionOutcome outcome, std::optional<std::int64_t> http,
                       model::SpanKind kind = model::SpanKind::kServer) {
    auto one = model::golden::transaction();
    one.outcome = outcome;
    one.reason = outcome == TransactionOutcome::kAnswered ? "" : "a reason";
    one.kind = kind;
    one.attributes.clear();
    if (http) one.attributes.push_back({"http.response.status_code", *http});
    records = {one};
  }
  std::string status_of(TransactionOutcome outcome, std::optional<std::int64_t> http,
                        model::SpanKind kind = model::SpanKind::kServer) {
    add_transaction(outcome, http, kind);
    const std::string body = span_json();
    const auto from = body.find("\"status\":");
    return from == std::string::npos ? "unset" : body.substr(from + 9, body.find('}', from) - from - 8);
  }
  // A transaction of two child spans, the second below the first.
  void add_family(std::string_view threshold, std::string tracestate) {
    auto root = model::golden::transaction();
    root.tracestate = std::move(tracestate);
    if (!threshold.empty()) root.attributes.push_back({"fluxrig.sampling.threshold", std::string(threshold)});
    auto child = model::golden::span();
    auto grandchild = child;
    grandchild.parent_span_id = child.span_id;
    grandchild.span_id = model::golden::id_of<SpanId>("2122232425262728");
    records = {child, grandchild, root};
  }
};

TEST_F(OtlpSpans, ATransactionIsTheRootSpan) {
  auto one = model::golden::transaction();
  one.attributes = {{"http.response.status_code", std::int64_t{502}}, {"ratio", 0.1}, {"error", false}};
  one.links.clear();
  records = {one};
  EXPECT_THAT(
      span_json(),
      HasSubstr(
          R"("spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7",)"
          R"("traceState":"ot=th:0,vendor=1,other@x=2","parentSpanId":"b7ad6b7169203331","name":"POST /authorize",)"
          R"("kind":2,"startTimeUnixNano":"1795356187412000000","endTimeUnixNano":"1795356187430400000",)"
          R"("attributes":[{"key":"fluxrig.flux_id","value":{"stringValue":"0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02"}},)"
          R"({"key":"fluxrig.gear","value":{"stringValue":"shop"}},)"
          R"({"key":"fluxrig.outcome","value":{"stringValue":"failed"}},)"
          R"({"key":"fluxrig.child_spans","value":{"intValue":"3"}},)"
          R"({"key":"error.type","value":{"stringValue":"502"}},)"
          R"({"key":"http.response.status_code","value":{"intValue":"502"}},)"
          R"({"key":"ratio","value":{"doubleValue":0.1}},{"key":"error","value":{"boolValue":false}}],)"
          R"("droppedAttributesCount":1,"status":{"message":"unknown response code","code":2},"flags":771}])"));
}

TEST_F(OtlpSpans, ASpanIsAChildOfOneThatIsHere) {
  records = {model::golden::span()};
  EXPECT_THAT(
      span_json(),
      HasSubstr(
          R"("spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"1112131415161718",)"
          R"("parentSpanId":"00f067aa0ba902b7","name":"0200 -> 0210","kind":3,)"
          R"("startTimeUnixNano":"1795356187412400000","endTimeUnixNano":"1795356187430000000",)"
          R"("attributes":[{"key":"fluxrig.flux_id","value":{"stringValue":"0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02"}},)"
          R"({"key":"fluxrig.gear","value":{"stringValue":"bank"}},)"
          R"({"key":"error.type","value":{"stringValue":"_OTHER"}},)"
          R"({"key":"peer","value":{"stringValue":"10.1.2.3:8583"}}],)"
          R"("droppedAttributesCount":300,"status":{"message":"timed out","code":2},"flags":256}])"));
}

TEST_F(OtlpSpans, StatusGoesByTheConventions) {
  constexpr auto kUnset = "unset";
  const std::string error = R"({"message":"a reason","code":2})";
  EXPECT_EQ(status_of(TransactionOutcome::kAnswered, 200), kUnset);
  EXPECT_EQ(status_of(TransactionOutcome::kAnswered, 404), kUnset);
  EXPECT_EQ(status_of(TransactionOutcome::kAnswered, 500), R"({"code":2})");
  EXPECT_EQ(status_of(TransactionOutcome::kFailed, 404), kUnset) << "the caller's fault";
  EXPECT_EQ(status_of(TransactionOutcome::kRefused, 429), kUnset);
  EXPECT_EQ(status_of(TransactionOutcome::kRefused, 503), error);
  EXPECT_EQ(status_of(TransactionOutcome::kTimedOut, 504), error);
  EXPECT_EQ(status_of(TransactionOutcome::kAbandoned, 200), error);
  EXPECT_EQ(status_of(TransactionOutcome::kAbandoned, 404), error) << "another error than the status";
  EXPECT_EQ(status_of(TransactionOutcome::kAnswered, 404, model::SpanKind::kClient), R"({"code":2})");
  EXPECT_EQ(status_of(TransactionOutcome::kAnswered, std::nullopt), kUnset);
  for (const auto outcome : {TransactionOutcome::kFailed, TransactionOutcome::kTimedOut,
                             TransactionOutcome::kRefused, TransactionOutcome::kAbandoned})
    EXPECT_EQ(status_of(outcome, std::nullopt), error) << static_cast<int>(outcome);
}

TEST_F(OtlpSpans, ErrorTypeIsTheStatusThatTellsOrElseTheOutcome) {
  add_transaction(TransactionOutcome::kTimedOut, 504);
  EXPECT_THAT(span_json(), HasSubstr(test::text_json("error.type", "504")));
  add_transaction(TransactionOutcome::kTimedOut, std::nullopt);
  EXPECT_THAT(span_json(), HasSubstr(test::text_json("error.type", "timed_out")));
  add_transaction(TransactionOutcome::kFailed, 404);
  EXPECT_THAT(span_json(), Not(HasSubstr("error.type")));
}

TEST_F(OtlpSpans, OfAnHttpClientEveryStatusFrom400OnIsAnError) {
  auto call = model::golden::span();
  call.status = StatusCode::kUnset;
  call.status_message.clear();
  call.attributes = {{"http.response.status_code", std::int64_t{404}}};
  records = {call};
  EXPECT_THAT(span_json(), HasSubstr(R"("status":{"code":2})"));
  EXPECT_THAT(span_json(), HasSubstr(test::text_json("error.type", "404")));
  call.attributes = {{"http.response.status_code", std::int64_t{302}}};
  records = {call};
  EXPECT_THAT(span_json(), Not(HasSubstr("status\":{")));
  call.attributes = {{"http.response.status_code", std::int64_t{503}}};
  call.status = StatusCode::kError;
  call.status_message = "the upstream answered with an HTTP 5xx";
  records = {call};
  EXPECT_THAT(span_json(), HasSubstr(test::text_json("error.type", "503")));
  EXPECT_THAT(span_json(), HasSubstr(R"("message":"the upstream answered with an HTTP 5xx")"));
}

TEST_F(OtlpSpans, AConsumerLinksToTheContextThatCreatedItsMessage) {
  auto one = model::golden::transaction();
  one.kind = model::SpanKind::kConsumer;
  one.links.clear();
  records = {one};
  const std::string creation =
      R"("links":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"b7ad6b7169203331",)"
      R"("attributes":[{"key":"fluxrig.link","value":{"stringValue":"creation"}}],"flags":771}])";
  EXPECT_THAT(span_json(), HasSubstr(creation));
  one.parent_span_id = {};
  records = {one};
  EXPECT_THAT(span_json(), Not(HasSubstr("links")));
  auto child = model::golden::span();
  child.kind = model::SpanKind::kConsumer;
  records = {child};
  EXPECT_THAT(span_json(), HasSubstr(R"("links":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736",)"
                                     R"("spanId":"00f067aa0ba902b7")"));
}

TEST_F(OtlpSpans, AReversalLinksToItsOriginal) {
  records = {model::golden::transaction()};
  EXPECT_THAT(span_json(), HasSubstr(R"("links":[{"traceId":"0af7651916cd43dd8448eb211c80319c",)"
                                     R"("spanId":"c7ad6b7169203331","attributes":[{"key":"fluxrig.link",)"
                                     R"("value":{"stringValue":"reversal_of"}},{"key":"fluxrig.flux_id",)"
                                     R"("value":{"stringValue":"0192f3c1-7a44-7c10-9a51-3d5e0c9b1f01"}}],)"
                                     R"("flags":256}])"));
}

TEST_F(OtlpSpans, ARootSpanStandsForItselfWhateverItsCallerSampled) {
  auto one = model::golden::transaction();
  one.tracestate = "ot=th:8;rv:0123456789abcd,vendor=1";
  records = {one};
  EXPECT_THAT(span_json(), HasSubstr(R"("traceState":"ot=th:0;rv:0123456789abcd,vendor=1")"));
  one.tracestate.clear();
  records = {one};
  EXPECT_THAT(span_json(), HasSubstr(R"("traceState":"ot=th:0")"));
}

TEST_F(OtlpSpans, AMessageStandsOnlyBesideAnError) {
  auto one = model::golden::span();
  one.status = StatusCode::kOk;
  records = {one};
  EXPECT_THAT(span_json(), HasSubstr(R"("status":{"code":1})"));
  one.status = StatusCode::kUnset;
  records = {one};
  EXPECT_THAT(span_json(), Not(HasSubstr("status\":")));
}

TEST_F(OtlpSpans, FlagsSayWhetherTheParentIsElsewhere) {
  auto one = model::golden::transaction();
  one.trace_flags = 1;
  records = {one};
  EXPECT_THAT(span_json(), HasSubstr("\"flags\":769")) << "0x301: a caller's";
  one.parent_span_id = {};
  records = {one};
  EXPECT_THAT(span_json(), HasSubstr("\"flags\":257")) << "0x101: none";
  EXPECT_THAT(span_json(), Not(HasSubstr("parentSpanId")));
}

TEST_F(OtlpSpans, ChildSpansHaveFlagsAndThresholdOfTheirTransaction) {
  add_family("e66", "a=1,ot=th:8;rv:ffffffffffffff");
  const std::string body = span_json();
  EXPECT_EQ(test::count_of(body, R"("traceState":"ot=th:e66;rv:ffffffffffffff,a=1")"), 2U) << body;
  EXPECT_EQ(test::count_of(body, R"("traceState":"ot=th:0;rv:ffffffffffffff,a=1")"), 1U) << "the root's";
  EXPECT_EQ(test::count_of(body, "\"flags\":259"), 2U) << "0x103: sampled, random, parent is here";
}

TEST_F(OtlpSpans, ChildSpansThatAreAllKeptStandForThemselves) {
  add_family("", "ot=th:8");
  EXPECT_EQ(test::count_of(span_json(), R"("traceState":"ot=th:0")"), 3U) << "like their root";
}

TEST_F(OtlpSpans, ATransactionInAnotherBatchIsFoundAndOneThatIsNotHereSaysNothing) {
  add_family("e66", "");
  const std::vector<model::Record> telemetry = {records[0], records[1]};
  const std::vector<model::Record> audit = {records[2]};
  const Batch both[] = {{.resource = &resource, .records = sanitize::TestRecords::of(telemetry)},
                        {.resource = &resource, .records = sanitize::TestRecords::of(audit)}};
  const Options options{.encoding = Encoding::kJson, .limits = {}};
  const auto joined = encode(model::Signal::kSpans, both, options);
  ASSERT_EQ(joined.payloads.size(), 1U);
  EXPECT_EQ(joined.payloads[0].items, 3U);
  EXPECT_EQ(test::count_of(joined.payloads[0].body, R"("traceState":"ot=th:e66")"), 2U);
  EXPECT_EQ(test::count_of(joined.payloads[0].body, "\"resource\":"), 1U) << "one rack, one ResourceSpans";
  const auto alone = encode(model::Signal::kSpans, {both, 1}, options);
  ASSERT_EQ(alone.payloads.size(), 1U);
  EXPECT_THAT(alone.payloads[0].body, Not(HasSubstr("traceState")));
  EXPECT_EQ(test::count_of(alone.payloads[0].body, "\"flags\":256"), 2U);
}

TEST_F(OtlpSpans, CountsAttributesThatTheRackDroppedBefore) {
  auto one = model::golden::transaction();
  one.attributes = {{"fluxrig.attributes_dropped", std::int64_t{4}}};
  records = {one};
  EXPECT_THAT(span_json(), HasSubstr("\"droppedAttributesCount\":5"));
}

TEST_F(OtlpSpans, OfKeysTheFirstOfItsNameIsSentAndNoneWithoutAName) {
  auto one = model::golden::span();
  one.attributes = {{"a", std::string("1")},
                    {"a", std::string("2")},
                    {"fluxrig.gear", std::string("other")},
                    {"", std::string("no name")}};
  for (int i = 0; i < 100; ++i) one.attributes.push_back({"n" + std::to_string(i % 50), std::int64_t{i}});
  records = {one};
  const std::string body = span_json();
  EXPECT_EQ(test::count_of(body, "\"key\":\"a\""), 1U);
  EXPECT_THAT(body, HasSubstr(test::text_json("a", "1")));
  EXPECT_THAT(body, Not(HasSubstr("no name")));
  EXPECT_EQ(test::count_of(body, "\"key\":\"fluxrig.gear\""), 1U);
  EXPECT_THAT(body, HasSubstr(test::text_json("fluxrig.gear", "bank")));
  EXPECT_EQ(test::count_of(body, "\"key\":\"n"), 50U);
  EXPECT_THAT(body, HasSubstr(test::pair_json("n49", R"({"intValue":"49"})")));
}

TEST_F(OtlpSpans, AnEndBeforeTheStartIsTheStart) {
  auto one = model::golden::span();
  one.end = {one.start.value - 1};
  records = {one};
  EXPECT_EQ(test::count_of(span_json(), "1795356187412400000"), 2U);
}

TEST_F(OtlpSpans, TextsAreEscapedAndRepaired) {
  auto one = model::golden::span();
  one.name = "a\"b\\c\n\x01 \xc3\x9f \xff\xc3!";
  records = {one};
  EXPECT_THAT(span_json(),
              HasSubstr("\"name\":\"a\\\"b\\\\c\\n\\u0001 \xc3\x9f \xef\xbf\xbd\xef\xbf\xbd!\""));
  const auto protobuf = encoded(model::Signal::kSpans, {});
  ASSERT_EQ(protobuf.payloads.size(), 1U);
  EXPECT_THAT(protobuf.payloads[0].body, HasSubstr("a\"b\\c\n\x01 \xc3\x9f \xef\xbf\xbd\xef\xbf\xbd!"));
}

TEST_F(OtlpSpans, NumbersThatJsonHasNotAreWords) {
  auto one = model::golden::span();
  const double infinity = std::numeric_limits<double>::infinity();
  one.attributes = {{"a", std::nan("")}, {"b", infinity}, {"c", -infinity},
                    {"d", 1e300},        {"e", -0.0},     {"f", std::numeric_limits<std::int64_t>::min()}};
  records = {one};
  const std::string body = span_json();
  EXPECT_THAT(body, HasSubstr(test::pair_json("a", R"({"doubleValue":"NaN"})")));
  EXPECT_THAT(body, HasSubstr(test::pair_json("b", R"({"doubleValue":"Infinity"})")));
  EXPECT_THAT(body, HasSubstr(test::pair_json("c", R"({"doubleValue":"-Infinity"})")));
  EXPECT_THAT(body, HasSubstr(test::pair_json("d", R"({"doubleValue":1e+300})")));
  EXPECT_THAT(body, HasSubstr(test::pair_json("e", R"({"doubleValue":-0})")));
  EXPECT_THAT(body, HasSubstr(test::pair_json("f", R"({"intValue":"-9223372036854775808"})")));
}

}  // namespace
}  // namespace fluxrig::otlp
