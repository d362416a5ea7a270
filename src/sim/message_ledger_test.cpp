#include "sim/message_ledger.hpp"

#include <gtest/gtest.h>

namespace fluxrig::sim {
namespace {

struct MessageLedgerTest : testing::Test {
  static constexpr Oracle::Process kConsumer{1, 1};
  Oracle oracle;
  MessageLedger ledger{oracle};

  [[nodiscard]] std::string promise() const { return oracle.broken() ? oracle.broken()->promise : ""; }
  [[nodiscard]] std::string end() {
    ledger.check_end();
    return promise();
  }
  void accept(Execution message) {
    ledger.arrived(message, 0);
    ledger.accepted(message);
  }
};

TEST_F(MessageLedgerTest, AcceptedStoredDoneAndAcknowledgedIsGood) {
  accept(1);
  ledger.stored(1);
  ledger.taken(1, kConsumer);
  ledger.done(1, kConsumer);
  ledger.acknowledged(1);
  EXPECT_EQ(end(), "");
}

TEST_F(MessageLedgerTest, AcceptedAndNotDoneIsNamed) {
  accept(1);
  ledger.stored(1);
  EXPECT_EQ(end(), "no accepted P0 message is lost");
}

TEST_F(MessageLedgerTest, WhatWasNotAcceptedMayBeLost) {
  ledger.arrived(1, 0);
  EXPECT_EQ(end(), "");
}

TEST_F(MessageLedgerTest, WhatTheServerLostAfterItsAcknowledgementIsExcused) {
  accept(1);
  ledger.stored(1);
  ledger.acknowledged_to_sender(1);
  ledger.lost_by_server(1);
  EXPECT_EQ(end(), "");
}

TEST_F(MessageLedgerTest, WhatItLostBeforeIsTheSendersToSendAgain) {
  accept(1);
  ledger.stored(1);
  ledger.lost_by_server(1);
  EXPECT_EQ(end(), "no accepted P0 message is lost");
}

TEST_F(MessageLedgerTest, OvertakingWhatWasAcceptedBeforeIsNamed) {
  accept(1);
  accept(2);
  ledger.stored(2);
  EXPECT_EQ(promise(), "P0 keeps the order of its flow");
}

TEST_F(MessageLedgerTest, WhatArrivedBeforeTheOtherWasAcceptedMayOvertakeIt) {
  ledger.arrived(1, 0);
  ledger.arrived(2, 0);
  ledger.accepted(1);
  ledger.stored(2);
  EXPECT_EQ(promise(), "");
}

TEST_F(MessageLedgerTest, AnotherFlowMayOvertake) {
  accept(1);
  ledger.arrived(2, 1);
  ledger.stored(2);
  EXPECT_EQ(promise(), "");
}

TEST_F(MessageLedgerTest, AProcessThatDoesAMessageTwiceIsNamed) {
  accept(1);
  ledger.done(1, kConsumer);
  ledger.taken(1, kConsumer);
  EXPECT_EQ(promise(), "a process works on a message once");
}

TEST_F(MessageLedgerTest, TheNextProcessMayDoItAgain) {
  accept(1);
  ledger.done(1, kConsumer);
  ledger.taken(1, {1, 2});
  EXPECT_EQ(promise(), "");
}

TEST_F(MessageLedgerTest, AnAcknowledgementWithoutWorkIsNamed) {
  accept(1);
  ledger.acknowledged(1);
  EXPECT_EQ(promise(), "acknowledged P0 messages were delivered");
}

TEST_F(MessageLedgerTest, ADeadLetterWithoutReasonIsNamed) {
  accept(1);
  ledger.dead(1, true);
  EXPECT_EQ(promise(), "a dead letter has its reason");
}

TEST_F(MessageLedgerTest, ADeadLetterEndsAMessage) {
  accept(1);
  ledger.failed(1);
  ledger.dead(1, true);
  EXPECT_EQ(end(), "");
  EXPECT_EQ(ledger.dead_letters(), 1U);
}

TEST_F(MessageLedgerTest, WhatTheServerLostUnheardAndTheSpoolsDamageTookIsMissing) {
  accept(1);
  ledger.stored(1);
  ledger.damaged(1);
  EXPECT_FALSE(ledger.missing(1));
  EXPECT_EQ(ledger.outstanding(), 1U);
  ledger.lost_by_server(1);
  EXPECT_TRUE(ledger.missing(1));
  EXPECT_EQ(end(), "");
}

TEST_F(MessageLedgerTest, WhatTheServerLostAfterItsWordIsNotMissingInTheSpool) {
  accept(1);
  ledger.stored(1);
  ledger.acknowledged_to_sender(1);
  ledger.damaged(1);
  ledger.lost_by_server(1);
  EXPECT_FALSE(ledger.missing(1)) << "the spool may have given it up, damaged or not";
  EXPECT_EQ(end(), "");
}

TEST_F(MessageLedgerTest, AStrangerIsNamed) {
  ledger.stored(1);
  EXPECT_EQ(promise(), "no message that nobody sent");
}

}  // namespace
}  // namespace fluxrig::sim
