#include "fluxrig/api_views.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fluxrig/api_client.hpp"
#include "fluxrig/trace_view.hpp"

namespace fluxrig::client {
namespace {

using testing::HasSubstr;

TEST(ApiViews, RacksShowTheirBacklogMemoryAndProcessorTime) {
  const auto now = UnixNanos{*parse_time("2026-11-22T14:03:17Z")};
  const auto table = draw_racks(
      R"({"racks":[{"machine_id":"1111","rack":"edge","state":"present","version":"0.1.0","epoch":3,
      "started":"2026-11-22T14:01:32Z","last_seen":"2026-11-22T14:03:12Z",
      "audit_state":"late","audit":{"epoch":3,"stored_sequence":100,"lag_records":null},
      "status":{"audit":{"sent":120,"receipted":100},"process":{"resident_bytes":9800000,"cpu_us":50000}}},
      {"machine_id":"2222","rack":"host","state":"never_seen","version":null,"epoch":null,"last_seen":null,
      "audit":null,"status":null}]})",
      now, {});
  ASSERT_TRUE(table);
  EXPECT_EQ(
      *table,
      "rack  state       pressure  last seen  version  epoch  stored  behind  backlog  rate  left  spool  "
      "audit  memory     cpu  machine_id\n"
      "edge  present     -         5 s ago    0.1.0        3     100      20        -     -     -      -  "
      "late   9.8 MB  0.05 %  1111\n"
      "host  never_seen  -         -          -            -       -       -        -     -     -      -  "
      "-           -       -  2222\n");
}

TEST(ApiViews, RacksShowHowTheyStandUnderPressure) {
  const auto table = draw_racks(
      R"({"racks":[{"machine_id":"1111","rack":"edge","state":"present","pressure":{"state":"replay",
      "cause":"backlog","backlog_bytes":12500000,"live_bytes_per_s":2000,"replay_bytes_per_s":50000,
      "seconds_left":250,"spool_messages":3}},
      {"machine_id":"2222","rack":"host","state":"present","pressure":{"state":"normal","cause":"none",
      "backlog_bytes":0,"live_bytes_per_s":2000,"replay_bytes_per_s":0,"seconds_left":null,"spool_messages":0}}]})",
      {}, {});
  ASSERT_TRUE(table);
  EXPECT_THAT(*table, HasSubstr("edge  present  replay (backlog)  "));
  EXPECT_THAT(*table, HasSubstr("12.5 MB  50.0 kB/s  4 min      3  "));
  EXPECT_THAT(*table, HasSubstr("host  present  normal            "));
}

TEST(ApiViews, QueriesAlignNumbersAndSayWhenRowsAreMissing) {
  const auto table = draw_query(
      R"({"columns":[{"name":"rack","type":"VARCHAR"},{"name":"n","type":"BIGINT"}],"rows":[["edge",7],[null,1234]],
      "truncated":true})",
      {});
  ASSERT_TRUE(table);
  EXPECT_EQ(*table,
            "rack     n\nedge     7\nNULL  1234\n(2 rows; there are more: raise --limit, or ask for less)\n");
}

TEST(ApiViews, AnswersOfAnotherShapeAreProblems) {
  for (const char* wrong : {"", "[]", "{}", R"({"columns":[1],"rows":[]})", R"({"columns":[],"rows":[1]})"}) {
    EXPECT_FALSE(draw_query(wrong, {})) << wrong;
    EXPECT_FALSE(draw_racks(wrong, {}, {})) << wrong;
  }
}

TEST(ApiViews, TailLinesAreOneLineEach) {
  const auto line = draw_tail_line(
      R"({"type":"transaction","flux_id":"0192","rack":"edge","gear":"shop","name":"POST /a\n\u001b[2J",
      "start":"2026-11-22T14:03:07.412000000Z","duration_ms":18.4,"outcome":"failed","reason":"no answer"})",
      {});
  ASSERT_TRUE(line);
  EXPECT_THAT(*line, HasSubstr("14:03:07.412  0192  edge"));
  EXPECT_THAT(*line, HasSubstr("18.4 ms  no answer"));
  EXPECT_EQ(line->find_first_of("\n\x1b"), std::string::npos);
  EXPECT_EQ(draw_tail_line(R"({"type":"keepalive"})", {}), std::nullopt);
  EXPECT_THAT(*draw_tail_line(R"({"type":"dropped","count":12})", {}), HasSubstr("12 transactions left out"));
}

TEST(ApiViews, RowsOfCsvEndInAPlainNewline) {
  EXPECT_EQ(with_plain_row_ends("a,b\r\n1,\"x\r\ny\"\"\"\r\n"), "a,b\n1,\"x\r\ny\"\"\"\n");
}

TEST(ApiViews, OnlyTerminalsNeedEscapes) {
  EXPECT_EQ(for_stream("a\r\nb\x1b\n", true), "a\nb\\x1b\n");
  EXPECT_EQ(for_stream("a\r\nb\x1b\n", false), "a\r\nb\x1b\n");
}

TEST(ApiClient, ReadsUrlsOfTheMixer) {
  const auto plain = parse_api_url("http://127.0.0.1:7070/");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "127.0.0.1");
  EXPECT_EQ(plain->port, "7070");
  const auto secure = parse_api_url("https://[::1]");
  ASSERT_TRUE(secure);
  EXPECT_TRUE(secure->tls);
  EXPECT_EQ(secure->host, "::1");
  EXPECT_EQ(secure->port, "443");
  for (const char* wrong :
       {"", "nats://h", "http://", "http://h:x", "http://h/api", "http://user@h", "http://:1"})
    EXPECT_FALSE(parse_api_url(wrong)) << wrong;
}

TEST(ApiClient, FailuresNameTheReasonOfTheMixer) {
  EXPECT_EQ(describe_failure("http://m", {400, R"({"title":"Bad","detail":"no id\u001b"})"}),
            "http://m: no id\\x1b (HTTP 400)");
  EXPECT_EQ(describe_failure("http://m", {502, "<html>"}), "http://m: HTTP 502");
  EXPECT_EQ(candidates_of({409, R"({"candidates":["a","b",3]})"}), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(percent_encoded("a b/ü"), "a%20b%2F%C3%BC");
}

}  // namespace
}  // namespace fluxrig::client
