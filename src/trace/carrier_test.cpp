// The cases of the W3C's own test suite for Trace Context, as tables: headers in, what is continued out.
#include "trace/carrier.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace fluxrig::trace {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kTraceId = "12345678901234567890123456789012";
const std::string kParent = "00-12345678901234567890123456789012-1234567890123456-00";

Carrier carrier(const Headers& headers) {
  Carrier out;
  for (const auto& [name, value] : headers) out.take(name, value);
  return out;
}

// What goes on as tracestate behind a good traceparent.
std::string state(const std::vector<std::string>& values) {
  Headers headers = {{"traceparent", kParent}};
  for (const auto& value : values) headers.emplace_back("tracestate", value);
  const auto context = carrier(headers).context();
  EXPECT_TRUE(context) << "a tracestate never voids a traceparent";
  return context ? context->tracestate : "no context";
}

// "ttt@vvv=1"
std::string tenant_member(std::size_t tenant, std::size_t vendor) {
  std::string text(tenant, 't');
  text.append("@").append(vendor, 'v').append("=1");
  return text;
}

std::string numbered(int from, int to) {
  std::string text;
  for (int i = from; i <= to; ++i) {
    const std::string digits = (i < 10 ? "0" : "") + std::to_string(i);
    text += (text.empty() ? "bar" : ",bar") + digits + "=" + digits;
  }
  return text;
}

TEST(Carrier, ContinuesTheTracesThatTheSuiteWantsContinued) {
  const std::string tail = "-12345678901234567890123456789012-1234567890123456-01";
  for (const Headers& headers : std::vector<Headers>{
           {{"traceparent", "00" + tail}},
           {{"TraceParent", "00" + tail}},
           {{"TrAcEpArEnT", "00" + tail}},
           {{"TRACEPARENT", "00" + tail}},
           {{"traceparent", "cc" + tail}},
           {{"traceparent", "cc" + tail + "-what-the-future-will-be-like"}},
           {{"traceparent", "00" + tail}, {"tracestate", ""}},
           {{"traceparent", "00" + tail}, {"tracestate", "foo=bar=baz"}},
       }) {
    const auto context = carrier(headers).context();
    ASSERT_TRUE(context) << headers[0].first << ": " << headers[0].second;
    EXPECT_EQ(to_string(context->trace_id), kTraceId);
    EXPECT_EQ(to_string(context->span_id), "1234567890123456");
  }
}

TEST(Carrier, BeginsATraceWhereTheSuiteWantsANewOne) {
  const std::string ids = "-12345678901234567890123456789012-1234567890123456";
  for (const Headers& headers : std::vector<Headers>{
           {},
           {{"trace-parent", kParent}},
           {{"trace.parent", kParent}},
           {{"traceparent", kParent}, {"traceparent", kParent}},
           {{"traceparent", kParent},
            {"Traceparent", "00-12345678901234567890123456789011" + ids.substr(33)}},
           {{"traceparent", ""}, {"traceparent", kParent}},
           {{"tracestate", "foo=1"}},
           {{"traceparent", "00" + ids + "-01."}},
           {{"traceparent", "00" + ids + "-01-what-the-future-will-be-like"}},
           {{"traceparent", "cc" + ids + "-01.what-the-future-will-be-like"}},
           {{"traceparent", "ff" + ids + "-01"}},
           {{"traceparent", ".0" + ids + "-01"}},
           {{"traceparent", "0." + ids + "-01"}},
           {{"traceparent", "000" + ids + "-01"}},
           {{"traceparent", "0000" + ids + "-01"}},
           {{"traceparent", "0" + ids + "-01"}},
           {{"traceparent", "00-00000000000000000000000000000000-1234567890123456-01"}},
           {{"traceparent", "00-.2345678901234567890123456789012-1234567890123456-01"}},
           {{"traceparent", "00-1234567890123456789012345678901.-1234567890123456-01"}},
           {{"traceparent", "00-123456789012345678901234567890123-1234567890123456-01"}},
           {{"traceparent", "00-1234567890123456789012345678901-1234567890123456-01"}},
           {{"traceparent", "00-12345678901234567890123456789012-0000000000000000-01"}},
           {{"traceparent", "00-12345678901234567890123456789012-.234567890123456-01"}},
           {{"traceparent", "00-12345678901234567890123456789012-123456789012345.-01"}},
           {{"traceparent", "00-12345678901234567890123456789012-12345678901234567-01"}},
           {{"traceparent", "00-12345678901234567890123456789012-123456789012345-01"}},
           {{"traceparent", "00" + ids + "-.0"}},
           {{"traceparent", "00" + ids + "-0."}},
           {{"traceparent", "00" + ids + "-001"}},
           {{"traceparent", "00" + ids + "-1"}},
       })
    EXPECT_FALSE(carrier(headers).context()) << (headers.empty() ? "" : headers.back().second);
}

TEST(Carrier, JoinsTracestateHeadersInTheirOrder) {
  EXPECT_EQ(state({"foo=1,bar=2", "rojo=1,congo=2", "baz=3"}), "foo=1,bar=2,rojo=1,congo=2,baz=3");
  EXPECT_EQ(state({"foo=1", ""}), "foo=1");
  EXPECT_EQ(state({"", "foo=1"}), "foo=1");
  EXPECT_EQ(state({"", "", " \t"}), "");
  EXPECT_EQ(state({"foo=1", " ", "bar=2"}), "foo=1,bar=2");
}

TEST(Carrier, TakesATracestateUnderItsNameInAnyCaseOnly) {
  for (const char* name : {"TraceState", "TrAcEsTaTe", "TRACESTATE"})
    EXPECT_EQ(carrier({{"traceparent", kParent}, {name, "foo=1"}}).context()->tracestate, "foo=1") << name;
  for (const char* name : {"trace-state", "trace.state", "tracestat", "tracestates"})
    EXPECT_EQ(carrier({{"traceparent", kParent}, {name, "foo=1"}}).context()->tracestate, "") << name;
}

TEST(Carrier, LeavesWhiteSpaceBetweenMembersOut) {
  EXPECT_EQ(state({"foo=1 \t , \t bar=2, \t baz=3"}), "foo=1,bar=2,baz=3");
  EXPECT_EQ(state({"foo=1\t \t,\t \tbar=2,\t \tbaz=3"}), "foo=1,bar=2,baz=3");
  for (const char* value : {" foo=1", "\tfoo=1", "foo=1 ", "foo=1\t", "\t foo=1 \t"})
    EXPECT_EQ(state({value}), "foo=1") << value;
}

TEST(Carrier, OneBadMemberInAnyHeaderVoidsTheWholeTracestate) {
  for (const char* bad : {"foo =1", "FOO=1", "foo.bar=1", "@foo=1", "foo=bar=baz", "foo=", "foo"})
    EXPECT_EQ(state({"bar=3", bad}), "") << bad;
  EXPECT_EQ(state({"foo=1", tenant_member(242, 14)}), "");
  EXPECT_EQ(state({"foo=1", tenant_member(0, 1)}), "");
}

TEST(Carrier, TakesTheLongestKeys) {
  // Level 1 allowed 14 characters behind the '@'; level 2 bounds the key as a whole.
  for (const auto& member : {tenant_member(241, 14), tenant_member(240, 15), tenant_member(1, 254)})
    EXPECT_EQ(state({"foo=1", member}), "foo=1," + member);
}

TEST(Carrier, Takes32MembersInSeveralHeadersAndRefuses33) {
  EXPECT_EQ(state({numbered(1, 10), numbered(11, 20), numbered(21, 32)}), numbered(1, 32));
  EXPECT_EQ(state({numbered(1, 10), numbered(11, 20), numbered(21, 33)}), "");
}

TEST(Carrier, KeepsEveryAllowedCharacter) {
  std::string value;
  for (char c = 0x20; c < 0x7f; ++c)
    if (c != ',' && c != '=') value += c;
  for (const char* key :
       {"abcdefghijklmnopqrstuvwxyz0123456789_-*/", "abcdefghijklmnopqrstuvwxyz0123456789_-*/@a-z0-9_-*/"})
    EXPECT_EQ(state({key + ("=" + value)}), key + ("=" + value));
}

TEST(Carrier, JoinsBaggageAsItCame) {
  EXPECT_EQ(carrier({{"baggage", "a=1;p, b = 2"}, {"Baggage", ""}, {"BAGGAGE", "c=3"}}).baggage(),
            "a=1;p, b = 2,c=3");
}

TEST(Carrier, HoldsNothingOfTheMessageBefore) {
  auto one = carrier({{"traceparent", kParent}, {"tracestate", "a=1"}, {"baggage", "b=2"}});
  one.clear();
  EXPECT_FALSE(one.context());
  one.take("traceparent", kParent);
  ASSERT_TRUE(one.context());
  EXPECT_EQ(one.context()->tracestate, "");
  EXPECT_EQ(one.baggage(), "");
}

}  // namespace
}  // namespace fluxrig::trace
