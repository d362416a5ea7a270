#include "fluxrig/trace_view.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.hpp"

namespace fluxrig::client {
namespace {

using testing::HasSubstr;
using testing::Not;

// As the mixer answers: two racks, one trace continued from a caller, an error on the way.
constexpr const char* kTrace = R"({"id":"0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02","matched_by":"flux_id",
"transactions":[
 {"flux_id":"0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736",
  "machine_id":"11111111-1111-4111-8111-111111111111","rack":"edge","gear":"shop","span_id":"aaaaaaaaaaaaaaaa",
  "parent_span_id":"00f067aa0ba902b7","name":"POST /authorize","kind":"server",
  "start_time":"2026-11-22T14:03:07.412000000Z","end_time":"2026-11-22T14:03:07.430400000Z","duration_ns":18400000,
  "outcome":"answered","reason":null,"attributes":{},"redactions":["card.pan token","iso8583.35 drop"],"child_spans":3},
 {"flux_id":"0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736",
  "machine_id":"22222222-2222-4222-8222-222222222222","rack":"host","gear":"switch","span_id":"cccccccccccccccc",
  "parent_span_id":"bbbbbbbbbbbbbbbb","name":"iso8583 0200","kind":"server",
  "start_time":"2026-11-22T14:03:07.413000000Z","end_time":"2026-11-22T14:03:07.429900000Z","duration_ns":16900000,
  "outcome":"failed","reason":"no answer in time","attributes":{},"redactions":["iso8583.2 token"],"child_spans":0}],
"spans":[
 {"rack":"host","gear":"switch","span_id":"cccccccccccccccc","parent_span_id":"bbbbbbbbbbbbbbbb","is_root":true,
  "name":"iso8583 0200","start_time":"2026-11-22T14:03:07.413000000Z","duration_ns":16900000,"status":"error",
  "status_message":"no answer in time","attributes":{"mti":"0200"}},
 {"rack":"edge","gear":"shop","span_id":"aaaaaaaaaaaaaaaa","parent_span_id":"00f067aa0ba902b7","is_root":true,
  "name":"POST /authorize","start_time":"2026-11-22T14:03:07.412000000Z","duration_ns":18400000,"status":"unset",
  "attributes":{}},
 {"rack":"edge","gear":"to_iso","span_id":"dddddddddddddddd","parent_span_id":"aaaaaaaaaaaaaaaa","is_root":false,
  "name":"map","start_time":"2026-11-22T14:03:07.412100000Z","duration_ns":20000,"status":"unset","attributes":{}},
 {"rack":"edge","gear":"bank","span_id":"bbbbbbbbbbbbbbbb","parent_span_id":"aaaaaaaaaaaaaaaa","is_root":false,
  "name":"0200 -> 0210","start_time":"2026-11-22T14:03:07.412600000Z","duration_ns":17600000,"status":"unset",
  "attributes":{}}],
"logs":[{"rack":"host","gear":"switch","time":"2026-11-22T14:03:07.429900000Z","severity_text":"ERROR",
  "event_name":"fluxrig.transaction","body":"iso8583 0200 failed: no answer in time"}],
"audit":[{"flux_id":"0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02","rack":"edge","lane":"audit","epoch":3,"seq":120331,"chain_verified":true,"checkpoint":120400,
  "answered_at":"2026-11-22T14:03:07.430400000Z","stored_at":"2026-11-22T14:03:07.512400000Z"}]})";

constexpr const char* kDrawing =
    R"(transaction 0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02   answered   18.4 ms   2026-11-22 14:03:07.412 UTC
trace       4bf92f3577b34da6a3ce929d0e0e4736       continued from the caller's span 00f067aa0ba902b7
machine     edge 11111111-1111-4111-8111-111111111111, host 22222222-2222-4222-8222-222222222222

  edge   shop       POST /authorize      18.4  ███████████████████████████████
  edge    to_iso    map                  0.02  ▏
  edge    bank      0200 -> 0210         17.6   █████████████████████████████▋
  host     switch   iso8583 0200         16.9   ████████████████████████████▌
           ✗ no answer in time
  1 of 3 child spans are not here: not sampled, dropped under load, or still on their way
  log    host        +17.9 ms  ERROR  fluxrig.transaction  iso8583 0200 failed: no answer in time
  audit  edge     #120331 of epoch 3  on disk, stored 2026-11-22 14:03:07.512 UTC (82.0 ms after the answer), chain verified, signed by checkpoint 120400
  masked drop: iso8583.35;  token: card.pan, iso8583.2
)";

TEST(TraceView, DrawsOneTransactionOverTwoRacks) {
  const auto view = parse_trace(kTrace);
  ASSERT_TRUE(view);
  EXPECT_EQ(draw_trace(*view, {{false, 78}, false}), kDrawing);
}

TEST(TraceView, ShowsAttributesWhenAsked) {
  const auto view = parse_trace(kTrace);
  ASSERT_TRUE(view);
  EXPECT_THAT(draw_trace(*view, {{false, 78}, true}), HasSubstr("· mti 0200\n"));
}

TEST(TraceView, BarsScaleToTheTerminal) {
  const auto view = parse_trace(kTrace);
  ASSERT_TRUE(view);
  const auto drawn = draw_trace(*view, {{false, 120}, false});
  const auto begin = drawn.find("  edge   shop");
  EXPECT_EQ(columns_of(drawn.substr(begin, drawn.find('\n', begin) - begin)), 120U);
}

TEST(TraceView, TextFromTheServerCannotSteerTheTerminal) {
  auto view = *parse_trace(kTrace);
  const std::string evil = "\x1b]0;owned\x07\n\x1b[2J";
  for (auto& transaction : view.transactions)
    transaction.rack = transaction.flux_id = transaction.trace_id = transaction.machine_id =
        transaction.outcome = transaction.reason = transaction.start_text = transaction.parent_span_id = evil;
  for (auto& transaction : view.transactions) transaction.redactions = {fmt::format("{0} {0}", evil)};
  for (auto& span : view.spans) {
    span.rack = span.gear = span.name = span.status_message = evil;
    span.attributes = {{evil, evil}};
  }
  for (auto& log : view.logs) log.rack = log.gear = log.severity = log.event_name = log.body = evil;
  for (auto& audit : view.audit) audit.rack = audit.stored_at_text = evil;
  const auto drawn = draw_trace(view, {{false, 100}, true}) + draw_transactions(view, {false, 100});
  EXPECT_THAT(drawn, Not(HasSubstr("\x1b")));
  EXPECT_THAT(drawn, Not(HasSubstr("\x07")));
  EXPECT_THAT(drawn, HasSubstr("\\x1b"));
}

TEST(TraceView, ASpanOfAServiceStandsUnderItsNameAndIsNoChildSpanOfARack) {
  const std::string service =
      R"({"rack":null,"gear":null,"span_id":"00f067aa0ba902b7","is_root":false,"name":"checkout",
  "start_time":"2026-11-22T14:03:07.411000000Z","duration_ns":20000000,"status":"unset","attributes":{"service.name":"web"}},)";
  std::string answer = kTrace;
  answer.insert(answer.find("\"spans\":[") + 9, service);
  const auto view = parse_trace(answer);
  ASSERT_TRUE(view);
  const auto drawn = draw_trace(*view, {{false, 78}, false});
  EXPECT_THAT(drawn, HasSubstr("\n  web                checkout "));
  EXPECT_LT(drawn.find("checkout"), drawn.find("POST /authorize")) << "its caller, so above it";
  EXPECT_THAT(drawn, HasSubstr("1 of 3 child spans are not here"));
}

TEST(TraceView, ATraceOfServicesAloneSaysSo) {
  const auto view = parse_trace(
      R"({"id":"4bf92f3577b34da6a3ce929d0e0e4736","matched_by":"trace_id","transactions":[],"spans":[
  {"rack":null,"span_id":"00f067aa0ba902b7","name":"checkout","attributes":{"service.name":"web"}}]})");
  ASSERT_TRUE(view);
  EXPECT_THAT(draw_trace(*view, {{false, 78}, false}),
              testing::StartsWith(
                  "trace       4bf92f3577b34da6a3ce929d0e0e4736       no rack's transaction is stored\n"));
}

TEST(TraceView, EverySpanIsPlacedOnceWhateverItsParents) {
  std::vector<SpanView> spans(6);
  const std::pair<const char*, const char*> ids[] = {{"a", ""},  {"b", "a"}, {"c", "d"},
                                                     {"d", "c"}, {"e", "e"}, {"b", "a"}};
  for (std::size_t i = 0; i < spans.size(); ++i) {
    spans[i].span_id = ids[i].first;
    spans[i].parent_span_id = ids[i].second;
    spans[i].start = static_cast<std::int64_t>(i);
  }
  const auto placed = place_spans(spans);
  ASSERT_EQ(placed.size(), spans.size());
  EXPECT_EQ(placed[0].span->span_id, "a");
  EXPECT_EQ(placed[1].depth, 1U);
}

TEST(TraceView, BarsStayWithinTheirColumns) {
  EXPECT_EQ(draw_bar(0, 10, 10, 4), "████");
  EXPECT_EQ(draw_bar(5, 5, 10, 4), "  ██");
  EXPECT_EQ(draw_bar(0, 1, 1000, 4), "▏");
  EXPECT_EQ(draw_bar(9, 100, 10, 4), "   █");
  EXPECT_EQ(draw_bar(-5, 3, 10, 2), "▋");
  EXPECT_EQ(draw_bar(0, 0, 0, 2), "▏");
}

TEST(TraceView, TimesAreReadToTheNanosecond) {
  EXPECT_EQ(parse_time("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_time("2026-11-22 14:03:07.412000001"), 1'795'356'187'412'000'001);
  for (const char* wrong :
       {"", "2026", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-22T14:03:07+01:00"})
    EXPECT_EQ(parse_time(wrong), std::nullopt) << wrong;
}

TEST(TraceView, AnswersOfAnotherShapeAreEmptyOrRefused) {
  EXPECT_FALSE(parse_trace("not json"));
  EXPECT_FALSE(parse_trace("[1]"));
  const auto view =
      parse_trace(R"({"spans":[1,{"duration_ns":"x","start_time":7,"attributes":[]}],"logs":{}})");
  ASSERT_TRUE(view);
  EXPECT_EQ(view->spans.size(), 1U);
  EXPECT_NE(draw_trace(*view, {}), "");
}

}  // namespace
}  // namespace fluxrig::client
