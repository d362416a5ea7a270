#include "gear/bus/request_ledger.hpp"

#include <gtest/gtest.h>

#include "sanitize/test_clean_bytes.hpp"

namespace fluxrig::gear::bus {
namespace {

snake::Outgoing answer(std::size_t size) { return {"", {}, sanitize::TestBytes::of(Bytes(size, 1)), ""}; }

TEST(RequestLedger, RemembersTheNewestEntriesOnly) {
  RequestLedger ledger({.entries = 2, .bytes = 100});
  ledger.answered("a", answer(10));
  ledger.answered("b", std::nullopt);
  ledger.answered("c", answer(10));
  EXPECT_EQ(ledger.find("a"), nullptr);
  ASSERT_NE(ledger.find("b"), nullptr);
  EXPECT_FALSE(ledger.find("b")->answer);
  EXPECT_TRUE(ledger.find("c")->answer);
  EXPECT_EQ(ledger.bytes(), 10U);
}

TEST(RequestLedger, LetsGoOfTheOldestAnswersButKnowsTheRequests) {
  RequestLedger ledger({.entries = 10, .bytes = 25});
  ledger.answered("a", answer(10));
  ledger.answered("b", answer(10));
  ledger.answered("c", answer(10));
  ASSERT_NE(ledger.find("a"), nullptr);
  EXPECT_FALSE(ledger.find("a")->answer);
  EXPECT_TRUE(ledger.find("b")->answer);
  EXPECT_EQ(ledger.bytes(), 20U);
}

TEST(RequestLedger, AnAnswerOverTheWholeRoomIsNotKept) {
  RequestLedger ledger({.entries = 10, .bytes = 25});
  ledger.answered("a", answer(26));
  ASSERT_NE(ledger.find("a"), nullptr);
  EXPECT_FALSE(ledger.find("a")->answer);
  ledger.answered("b", answer(25));
  EXPECT_TRUE(ledger.find("b")->answer);
}

TEST(RequestLedger, ALaterAnswerReplacesTheFirst) {
  RequestLedger ledger({.entries = 10, .bytes = 100});
  ledger.answered("a", answer(10));
  ledger.answered("a", answer(20));
  EXPECT_EQ(ledger.size(), 1U);
  EXPECT_EQ(ledger.bytes(), 20U);
}

TEST(RequestLedger, DoesNotRememberWhatHasNoId) {
  RequestLedger ledger;
  ledger.answered("", answer(1));
  EXPECT_EQ(ledger.size(), 0U);
}

}  // namespace
}  // namespace fluxrig::gear::bus
