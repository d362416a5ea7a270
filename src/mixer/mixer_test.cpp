// What racks send to a whole mixer, and what it tells them.
#include "mixer/mixer.hpp"

#include <gmock/gmock.h>

#include "mixer/test_mixer.hpp"
#include "model/control.hpp"

namespace fluxrig::mixer {
namespace {

using snake::testing::Mailbox;
using ::testing::HasSubstr;

TEST_F(MixerTest, BlocksAreStoredOnceAndReceiptedAlthoughTheyCameTwice) {
  const auto one = rack("twice");
  ASSERT_TRUE(one->bus);
  testing::ChainRack chain(one->machine);
  one->publish(chain.header());
  const auto block = chain.records(50);
  one->publish(block);
  ASSERT_TRUE(one->receipt_to(50));
  one->publish(block);
  one->publish(chain.records(10));
  ASSERT_TRUE(one->receipt_to(60));
  EXPECT_THAT(count_of(one->machine), HasSubstr("[60,60]"));
}

TEST_F(MixerTest, GarbageAndForeignBlocksAreCountedAndTheRestIsStored) {
  const auto one = rack("garbage");
  ASSERT_TRUE(one->bus);
  const auto malformed = refused("malformed_block");
  const auto foreign = refused("machine_mismatch");
  one->publish(as_bytes("no block at all"));
  one->publish(testing::audit_block(make_machine_id(world_->random), 1, 1));
  one->publish(testing::audit_block(one->machine, 1, 3));
  ASSERT_TRUE(one->receipt_to(3));
  EXPECT_EQ(refused("malformed_block"), malformed + 1);
  EXPECT_EQ(refused("machine_mismatch"), foreign + 1);
}

TEST_F(MixerTest, HelloIsAnsweredAndFollowedByTheReceipts) {
  const auto one = rack("hello");
  ASSERT_TRUE(one->bus);
  one->publish(testing::audit_block(one->machine, 1, 7));
  ASSERT_TRUE(one->receipt_to(7));
  Bytes hello;
  model::encode(model::Hello{"hello", "0.1.0", Epoch{1}, {{"bank", "flux.msg.hello.bank.in"}}, {}}, hello);
  const auto answer = one->bus->request(snake::hello_subject(one->machine), sanitize::TestBytes::of(hello),
                                        std::chrono::seconds(10));
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(model::decode_hello_reply(*answer).value().error, "");
  EXPECT_TRUE(one->receipt_to(7));
  const auto racks = testing::get(api(), "/api/v1/racks", token());
  EXPECT_THAT(racks.body, HasSubstr(R"("rack":"hello","state":"present","version":"0.1.0","epoch":1)"));
  EXPECT_THAT(racks.body, HasSubstr(R"("audit_state":")"));
  EXPECT_THAT(racks.body, HasSubstr(R"("stored_sequence":7)"));
}

TEST_F(MixerTest, HelloUnderAnotherNameIsRefusedWithASentence) {
  const auto one = rack("honest");
  ASSERT_TRUE(one->bus);
  Bytes hello;
  model::encode(model::Hello{"liar", "0.1.0", Epoch{1}, {}, {}}, hello);
  const auto answer = one->bus->request(snake::hello_subject(one->machine), sanitize::TestBytes::of(hello),
                                        std::chrono::seconds(10));
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_THAT(model::decode_hello_reply(*answer).value().error,
              HasSubstr("uses the certificate of rack 'honest'"));
}

TEST_F(MixerTest, AGearWhoseNameOrSubjectHoldsANumberIsNotWelcome) {
  const auto one = rack("named");
  ASSERT_TRUE(one->bus);
  for (const auto& [gear, filter] : std::vector<std::pair<std::string, std::string>>{
           {"4111111111111111", "flux.msg.named.bank.in"}, {"bank", "flux.msg.named.4111111111111111.in"}}) {
    Bytes hello;
    model::encode(model::Hello{"named", "0.1.0", Epoch{1}, {{gear, filter}}, {}}, hello);
    const auto answer = one->bus->request(snake::hello_subject(one->machine), sanitize::TestBytes::of(hello),
                                          std::chrono::seconds(10));
    ASSERT_TRUE(answer) << to_string(answer.error());
    const auto error = model::decode_hello_reply(*answer).value().error;
    EXPECT_THAT(error, HasSubstr("looks like a card number"));
    EXPECT_THAT(error, ::testing::Not(HasSubstr("411111111")));
  }
}

TEST_F(MixerTest, WhatARackReportsIsSearchedBeforeItIsShown) {
  const auto one = rack("report");
  ASSERT_TRUE(one->bus);
  Bytes heartbeat;
  model::encode(model::Heartbeat{Epoch{1}, R"({"4111111111111111":{"n":5500005555555559,"ok":12}})"},
                heartbeat);
  ASSERT_TRUE(one->bus->publish(snake::heartbeat_subject(one->machine), sanitize::TestBytes::of(heartbeat)));
  Bytes hello;  // the same connection: when it is answered, the heartbeat has been seen
  model::encode(model::Hello{"report", "0.1.0", Epoch{1}, {}, {}}, hello);
  ASSERT_TRUE(one->bus->request(snake::hello_subject(one->machine), sanitize::TestBytes::of(hello),
                                std::chrono::seconds(10)));
  EXPECT_THAT(testing::get(api(), "/api/v1/racks", token()).body,
              HasSubstr(R"({"411111******1111":{"n":"550000******5559","ok":12}})"));
}

TEST_F(MixerTest, HeartbeatShowsItsStatusAndTheLag) {
  const auto one = rack("beat");
  ASSERT_TRUE(one->bus);
  one->publish(testing::audit_block(one->machine, 1, 5));
  ASSERT_TRUE(one->receipt_to(5));
  Bytes heartbeat;
  model::encode(model::Heartbeat{Epoch{1}, R"({"audit":{"sequence":9}})"}, heartbeat);
  ASSERT_TRUE(one->bus->publish(snake::heartbeat_subject(one->machine), sanitize::TestBytes::of(heartbeat)));
  Bytes hello;  // the same connection: when it is answered, the heartbeat has been seen
  model::encode(model::Hello{"beat", "0.1.0", Epoch{1}, {}, {}}, hello);
  ASSERT_TRUE(one->bus->request(snake::hello_subject(one->machine), sanitize::TestBytes::of(hello),
                                std::chrono::seconds(10)));
  EXPECT_THAT(
      testing::get(api(), "/api/v1/racks", token()).body,
      HasSubstr(
          R"("audit":{"epoch":1,"stored_sequence":5,"lag_records":4},"pressure":null,"status":{"audit":{"sequence":9}})"));
}

TEST_F(MixerTest, ARackThatSaysHelloHasALeaseAndItsHeartbeatAShare) {
  const auto one = rack("leased");
  ASSERT_TRUE(one->bus);
  Mailbox<model::PressureLease> leases;
  const auto subscription =
      one->bus->subscribe(snake::pressure_subject(one->machine), [&](const snake::Delivery& delivery) {
        if (auto lease = model::decode_pressure_lease(delivery.payload)) leases.put(*lease);
      });
  ASSERT_TRUE(subscription && one->bus->flush(std::chrono::seconds(5)));
  hello(*one, "leased");
  const auto first = leases.take();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->lease_ms, 10'000U);
  model::RackPressure pressure;
  pressure.state = model::PressureState::kReplay;
  pressure.backlog_bytes = 1U << 20;
  Bytes heartbeat;
  model::encode(model::Heartbeat{Epoch{1}, "{}", pressure}, heartbeat);
  ASSERT_TRUE(one->bus->publish(snake::heartbeat_subject(one->machine), sanitize::TestBytes::of(heartbeat)));
  auto next = leases.take();
  for (int i = 0; i < 10 && next && next->replay_bytes_per_s == 0; ++i) next = leases.take();
  ASSERT_TRUE(next);
  EXPECT_GT(next->sequence, first->sequence);
  EXPECT_EQ(next->mixer_started, first->mixer_started);
  EXPECT_THAT(testing::get(api(), "/api/v1/racks", token()).body,
              HasSubstr(R"("pressure":{"state":"replay","cause":null,"backlog_bytes":1048576,)"));
  const auto status = testing::get(api(), "/api/v1/status", token()).body;
  EXPECT_THAT(status, HasSubstr(R"("pressure":{"level":)"));
  EXPECT_THAT(status, HasSubstr(R"("backlog_bytes":1048576)"));
  EXPECT_GT(next->replay_bytes_per_s, 0U);
}

// A rack that answers every command with `error`, or with the state that it was asked for.
class Obedient {
 public:
  Obedient(snake::NatsBus& bus, const MachineId& machine, const std::string& error) {
    auto subscription = bus.subscribe(
        snake::control_subject(machine), [this, &bus, machine, error](const snake::Delivery& d) {
          const auto command = model::decode_control_command(d.payload);
          if (!command) return;
          model::ControlAnswer answer{command->id, error, {}};
          if (error.empty()) answer.results = command->arguments;
          Bytes bytes;
          model::encode(answer, bytes);
          (void)bus.publish(snake::control_reply_subject(machine), sanitize::TestBytes::of(bytes));
          commands.put(*command);
        });
    if (subscription) subscription_ = *std::move(subscription);
    if (!bus.flush(std::chrono::seconds(5))) ADD_FAILURE() << "no flush";
  }
  Mailbox<model::ControlCommand> commands;

 private:
  std::unique_ptr<snake::Subscription> subscription_;
};

TEST_F(MixerTest, AnOperatorsCommandReachesTheRackAndItsAnswerComesBack) {
  const auto one = rack("commanded");
  ASSERT_TRUE(one->bus);
  hello(*one, "commanded");
  Obedient obedient(*one->bus, one->machine, "");
  const auto reply = testing::post(
      api(), "/api/v1/racks/commanded/pressure", token(),
      R"({"state":"divert","for":"10m","reason":"card 4111111111111111 hangs","who":"ops@desk"})");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(reply.body, HasSubstr(R"("rack":"commanded")"));
  EXPECT_THAT(reply.body, HasSubstr(R"("forced":"divert","until":"20)"));
  EXPECT_THAT(reply.body, HasSubstr(R"("state":"divert"})"));
  const auto command = obedient.commands.take();
  ASSERT_TRUE(command);
  EXPECT_EQ(model::forced_pressure(*command).value(),
            (model::ForcedPressure{model::PressureState::kDivert, 600'000}));
  EXPECT_EQ(command->who, "ops@desk");
  EXPECT_EQ(command->reason, "card 411111******1111 hangs");
  const auto released = testing::post(api(), "/api/v1/racks/" + to_string(one->machine) + "/pressure",
                                      token(), R"({"state":"auto","reason":"over"})");
  EXPECT_EQ(released.status, 200) << released.body;
  EXPECT_THAT(released.body, HasSubstr(R"("forced":"auto","until":null)"));
}

TEST_F(MixerTest, WhatARackRefusesIsTold) {
  const auto one = rack("stubborn");
  ASSERT_TRUE(one->bus);
  hello(*one, "stubborn");
  Obedient obedient(*one->bus, one->machine, "not today");
  const auto reply = testing::post(api(), "/api/v1/racks/stubborn/pressure", token(),
                                   R"({"state":"normal","for":"1m","reason":"test"})");
  EXPECT_EQ(reply.status, 409);
  EXPECT_THAT(reply.body, HasSubstr("rack 'stubborn' refused: not today"));
}

TEST_F(MixerTest, ARackThatDoesNotAnswerLeavesItOpenWhetherItWasDone) {
  const auto one = rack("silent");
  ASSERT_TRUE(one->bus);
  hello(*one, "silent");
  const auto reply = testing::post(api(), "/api/v1/racks/silent/pressure", token(),
                                   R"({"state":"restrict","for":"1m","reason":"test"})");
  EXPECT_EQ(reply.status, 504);
  EXPECT_THAT(reply.body, HasSubstr("has not answered in time"));
}

TEST_F(MixerTest, CommandsThatCannotBeMeantAreRefusedBeforeTheyAreSent) {
  const auto one = rack("absent");  // never said hello
  const auto force = [&](const std::string& rack, const std::string& body) {
    return testing::post(api(), "/api/v1/racks/" + rack + "/pressure", token(), body);
  };
  const std::string good = R"({"state":"divert","for":"10m","reason":"test"})";
  EXPECT_EQ(force("nobody", good).status, 404);
  const auto away = force("absent", good);
  EXPECT_EQ(away.status, 409);
  EXPECT_THAT(away.body, HasSubstr("nothing was sent"));
  for (const char* wrong :
       {R"({"state":"divert","for":"10m"})", R"({"state":"divert","reason":"x"})",
        R"({"state":"divert","for":"25h","reason":"x"})", R"({"state":"replay","for":"10m","reason":"x"})",
        R"({"state":"divert","for":"10","reason":"x"})", R"({"for":"10m","reason":"x"})", "no json"})
    EXPECT_EQ(force("absent", wrong).status, 400) << wrong;
  EXPECT_THAT(force("absent", R"({"state":"divert","for":"10m"})").body, HasSubstr("a reason is needed"));
  EXPECT_EQ(testing::get(api(), "/api/v1/racks/absent/pressure", token()).status, 405);
  EXPECT_EQ(testing::post(api(), "/api/v1/racks/absent/pressure", "wrong", good).status, 401);
}

TEST_F(MixerTest, TheGlassIsBrokenOnlyWithARecordInTheStore) {
  const auto one = rack("glass");
  ASSERT_TRUE(one->bus);
  hello(*one, "glass");
  Obedient obedient(*one->bus, one->machine, "");
  const auto reply = testing::post(
      api(), "/api/v1/racks/glass/debug", token(),
      R"({"state":"on","for":"15m","reason":"INC-42, card 4111111111111111","who":"ops@desk"})");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(reply.body, HasSubstr(R"("debug":true,"until":"20)"));
  const auto command = obedient.commands.take();
  ASSERT_TRUE(command);
  EXPECT_EQ(model::debug_duration(*command).value(), 900'000U);
  const auto kept = testing::post(
      api(), "/api/v1/sql", token(),
      R"({"sql":"SELECT action, who, reason, detail FROM operator_actions WHERE action = 'debug'"})");
  EXPECT_EQ(kept.status, 200) << kept.body;
  EXPECT_THAT(kept.body, HasSubstr("ops@desk"));
  EXPECT_THAT(kept.body, HasSubstr("INC-42, card 411111******1111"));
  EXPECT_THAT(kept.body, HasSubstr("900000"));
}

TEST_F(MixerTest, TheGlassIsNotBrokenWithoutReasonForTooLongOrForATrace) {
  const auto one = rack("whole");
  ASSERT_TRUE(one->bus);
  hello(*one, "whole");
  Obedient obedient(*one->bus, one->machine, "");
  for (const char* wrong : {R"({"state":"on","for":"10m"})", R"({"state":"on","reason":"x"})",
                            R"({"state":"on","for":"61m","reason":"x"})",
                            R"({"state":"trace","for":"10m","reason":"x"})", "no json"})
    EXPECT_EQ(testing::post(api(), "/api/v1/racks/whole/debug", token(), wrong).status, 400) << wrong;
  const std::string good = R"({"state":"on","for":"10m","reason":"x"})";
  EXPECT_EQ(testing::post(api(), "/api/v1/racks/nobody/debug", token(), good).status, 404);
  EXPECT_EQ(testing::get(api(), "/api/v1/racks/whole/debug", token()).status, 405);
  EXPECT_EQ(testing::post(api(), "/api/v1/racks/whole/debug", "wrong", good).status, 401);
}

TEST_F(MixerTest, AStatementWithACardNumberIsRefusedAndNotQuoted) {
  for (const char* sql :
       {R"({"sql":"SELECT '4111 1111 1111 1111'"})", R"({"sql":"SELECT 4111111111111111"})"}) {
    const auto reply = testing::post(api(), "/api/v1/sql", token(), sql);
    EXPECT_EQ(reply.status, 400);
    EXPECT_THAT(reply.body, HasSubstr("fluxrig token"));
    EXPECT_THAT(reply.body, ::testing::Not(HasSubstr("1111")));
  }
}

}  // namespace
}  // namespace fluxrig::mixer
