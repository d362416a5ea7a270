#include "fluxrig/load_http.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fluxrig::client {
namespace {

using Kind = LoadReply::Kind;

HttpLoad load_of(HttpLoadOptions options, Random& random) {
  options.target = *parse_http_url("http://shop.example:8080/authorize?x=1");
  if (options.method.empty()) options.method = "POST";
  return {std::move(options), random};
}

LoadReply parse(std::string_view bytes) {
  SeededRandom random(1);
  return load_of({}, random).parse(bytes);
}

TEST(LoadHttp, WritesARequestWithLengthAndTraceContext) {
  SeededRandom random(1);
  auto load = load_of({{}, "POST", {"X-A: 1"}, *LoadTemplate::parse("{{n}}"), true}, random);
  std::string out;
  const auto request = load.append_request(42, out);
  EXPECT_EQ(out,
            "POST /authorize?x=1 HTTP/1.1\r\nHost: shop.example:8080\r\nX-A: 1\r\nContent-Type: "
            "application/json\r\n"
            "traceparent: 00-" +
                to_string(request.trace_id) + "-" + out.substr(out.find("-01\r\n") - 16, 16) +
                "-01\r\nContent-Length: 2\r\n\r\n42");
}

TEST(LoadHttp, ReadsStatusLengthAndFluxId) {
  const std::string_view bytes = "HTTP/1.1 200 OK\r\nFlux-Id: 0192\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 5";
  const auto reply = parse(bytes);
  EXPECT_EQ(reply.kind, Kind::kReply);
  EXPECT_EQ(reply.status, 200U);
  EXPECT_TRUE(reply.success);
  EXPECT_EQ(reply.flux_id, "0192");
  EXPECT_EQ(bytes.substr(reply.used), "HTTP/1.1 5");
}

TEST(LoadHttp, EveryPrefixOfAReplyIsIncomplete) {
  const std::string_view plain = "HTTP/1.1 503 No\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc";
  const std::string_view chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  for (const auto whole : {plain, chunked}) {
    for (std::size_t size = 0; size < whole.size(); ++size)
      ASSERT_EQ(parse(whole.substr(0, size)).kind, Kind::kIncomplete) << size;
    EXPECT_EQ(parse(whole).kind, Kind::kReply);
    EXPECT_EQ(parse(whole).used, whole.size());
  }
  EXPECT_FALSE(parse(plain).success);
  EXPECT_TRUE(parse(plain).last);
}

TEST(LoadHttp, PassesOverInterimResponses) {
  EXPECT_EQ(parse("HTTP/1.1 100 Continue\r\n\r\n").kind, Kind::kIgnored);
  EXPECT_EQ(parse("HTTP/1.1 204 No Content\r\n\r\n").kind, Kind::kReply);
}

TEST(LoadHttp, RefusesRepliesThatCannotBeCounted) {
  for (const char* bytes :
       {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"})
    EXPECT_EQ(parse(bytes).kind, Kind::kBroken) << bytes;
  EXPECT_EQ(parse(std::string(HttpLoad::kMaxHeadBytes + 1, 'a')).kind, Kind::kBroken);
}

TEST(LoadHttp, ReadsUrls) {
  EXPECT_EQ(parse_http_url("http://h")->path, "/");
  EXPECT_EQ(parse_http_url("http://h")->port, 80);
  const auto six = parse_http_url("http://[::1]:8080/a?b#c");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->host, "::1");
  EXPECT_EQ(six->port, 8080);
  EXPECT_EQ(six->path, "/a?b");
  for (const char* wrong :
       {"https://h", "h:80", "http://", "http://h:0", "http://h:99999", "http://h/a b", "http://:80"})
    EXPECT_FALSE(parse_http_url(wrong)) << wrong;
}

TEST(LoadHttp, RefusesHeadersThatWouldBreakTheRequest) {
  EXPECT_TRUE(check_header("X-Key: value"));
  for (const char* wrong : {"none", ": v", "X Y: v", "X: a\r\nY: b", "Content-Length: 3", "HOST: x"})
    EXPECT_FALSE(check_header(wrong)) << wrong;
}

}  // namespace
}  // namespace fluxrig::client
