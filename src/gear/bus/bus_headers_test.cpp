#include "gear/bus/bus_headers.hpp"

#include <gtest/gtest.h>

namespace fluxrig::gear::bus {
namespace {

constexpr const char* kParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03";

ReceivedHeaders received(snake::Headers headers) {
  snake::Delivery delivery;
  delivery.headers = std::move(headers);
  auto out = read_headers(delivery);
  EXPECT_TRUE(out);
  return out ? *std::move(out) : ReceivedHeaders{};
}

TEST(BusHeaders, ReadWhatTheyWrote) {
  const auto parent = trace::extract(kParent, "a=1,b=2");
  const auto back = received(context_headers(*parent, FluxId{}, "user=7, \tx=1"));
  ASSERT_TRUE(back.parent);
  EXPECT_EQ(back.parent->trace_id, parent->trace_id);
  EXPECT_EQ(back.parent->span_id, parent->span_id);
  EXPECT_EQ(back.parent->flags, trace::kSampled | trace::kRandom);
  EXPECT_EQ(back.parent->tracestate, "a=1,b=2");
  EXPECT_EQ(back.baggage, "user=7, \tx=1");
}

TEST(BusHeaders, TakeTraceHeadersOfOtherSendersInAnyCase) {
  const auto back = received({{"Traceparent", kParent}, {"TRACESTATE", "a=1"}, {"Baggage", "x=1"}});
  ASSERT_TRUE(back.parent);
  EXPECT_EQ(back.parent->tracestate, "a=1");
  EXPECT_EQ(back.baggage, "x=1");
}

TEST(BusHeaders, JoinRepeatedListsAndBelieveNoRepeatedTraceparent) {
  const auto back = received({{"traceparent", kParent},
                              {"tracestate", "a=1"},
                              {"tracestate", "b=2"},
                              {"baggage", "x=1"},
                              {"baggage", "y=2"}});
  ASSERT_TRUE(back.parent);
  EXPECT_EQ(back.parent->tracestate, "a=1,b=2");
  EXPECT_EQ(back.baggage, "x=1,y=2");
  EXPECT_FALSE(received({{"traceparent", kParent}, {"traceparent", kParent}}).parent);
}

TEST(BusHeaders, ABadTracestateLeavesTheTraceparent) {
  const auto back = received({{"traceparent", kParent}, {"tracestate", "a=1,=2"}});
  ASSERT_TRUE(back.parent);
  EXPECT_EQ(back.parent->tracestate, "");
}

}  // namespace
}  // namespace fluxrig::gear::bus
