#include "snake/subjects.hpp"

#include <gtest/gtest.h>

namespace fluxrig::snake {
namespace {

MachineId machine() {
  const auto bytes = parse_uuid("0192f3c1-7a44-4c10-9a51-3d5e0c9b1f02");
  return MachineId{*bytes};
}

TEST(Subjects, NameTheMachineInItsOwnToken) {
  EXPECT_EQ(audit_subject(machine()), "flux.audit.0192f3c1-7a44-4c10-9a51-3d5e0c9b1f02");
  EXPECT_EQ(hello_subject(machine()), "flux.agent.hello.0192f3c1-7a44-4c10-9a51-3d5e0c9b1f02");
  EXPECT_EQ(deliver_subject(machine(), "bank"), "flux.deliver.0192f3c1-7a44-4c10-9a51-3d5e0c9b1f02.bank");
  EXPECT_EQ(message_subject("edge", "to_host", "out"), "flux.msg.edge.to_host.out");
}

TEST(Subjects, ReplyFilterMatchesRepliesOfAnyRackToOneGearOnly) {
  const auto filter = reply_filter("edge", "to_host");
  EXPECT_TRUE(filters_overlap(filter, message_subject("host", "approver", reply_port("edge", "to_host"))));
  EXPECT_FALSE(filters_overlap(filter, message_subject("host", "approver", reply_port("edge", "other"))));
}

TEST(Subjects, FiltersOverlapByTokens) {
  EXPECT_TRUE(filters_overlap("flux.msg.>", "flux.msg.a.b.c"));
  EXPECT_TRUE(filters_overlap("flux.*.a", "flux.msg.*"));
  EXPECT_FALSE(filters_overlap("flux.msg.a", "flux.msg.a.b"));
  EXPECT_FALSE(filters_overlap("flux.msg.a.x", "flux.msg.b.x"));
}

TEST(Subjects, AConsumerNameHasOneOwnerOnly) {
  EXPECT_FALSE(valid_rack_name("a__b"));
  EXPECT_FALSE(valid_rack_name("a_"));
  EXPECT_TRUE(valid_rack_name("a_b-1"));
  const auto owner = parse_consumer_name(consumer_name("a", "_b__c"));
  ASSERT_TRUE(owner.has_value());
  EXPECT_EQ(owner->rack, "a");
  EXPECT_EQ(owner->gear, "_b__c");
  EXPECT_FALSE(parse_consumer_name("nobody").has_value());
  EXPECT_FALSE(parse_consumer_name("a__").has_value());
}

TEST(Subjects, OnlyARacksOwnInboxIsAccepted) {
  const auto own = inbox_prefix(to_string(machine())) + ".1";
  EXPECT_TRUE(is_inbox_of(machine(), own));
  EXPECT_FALSE(is_inbox_of(machine(), "$JS.API.STREAM.DELETE.FLUX_AUDIT"));
  EXPECT_FALSE(is_inbox_of(machine(), inbox_prefix(to_string(machine()))));
  EXPECT_FALSE(is_inbox_of(machine(), inbox_prefix("0192f3c1-7a44-4c10-9a51-3d5e0c9b1f03") + ".1"));
  EXPECT_FALSE(is_inbox_of(machine(), own + ".>"));
}

}  // namespace
}  // namespace fluxrig::snake
