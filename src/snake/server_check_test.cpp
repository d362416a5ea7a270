#include "snake/server_check.hpp"

#include <gtest/gtest.h>

#include "snake/nats_native.hpp"
#include "snake/subjects.hpp"
#include "snake/test_server.hpp"

namespace fluxrig::snake {
namespace {

constexpr StreamSizes kSmall{.message_bytes = 32 << 20,
                             .audit_bytes = 32 << 20,
                             .telemetry_bytes = 32 << 20,
                             .dead_letter_bytes = 8 << 20,
                             .advisory_bytes = 1 << 20};

TEST(ServerInfo, SaysVersionJetStreamAndLimit) {
  const auto info = parse_server_info(
      R"(INFO {"server_id":"X","version":"2.10.7","go":"go1.19","max_payload":1048576,"jetstream":true})"
      "\r\n");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->version, (ServerVersion{2, 10, 7}));
  EXPECT_TRUE(info->jetstream);
  EXPECT_EQ(info->max_payload, 1'048'576U);
}

TEST(ServerInfo, AnythingElseIsNoInfo) {
  for (const auto* line :
       {"", "INFO", "INFO {}", "HTTP/1.1 400", R"(INFO {"version":"2.x.1"})", R"(INFO {"version":"2.9)"})
    EXPECT_FALSE(parse_server_info(line)) << line;
}

TEST(DurabilityWarning, NamesTheCostAndTheRemedyWhereTheServerCannotSync) {
  const auto warning = durability_warning({2, 9, 10}, ServerOwner::kMixer);
  EXPECT_NE(warning.find("power loss"), std::string::npos);
  EXPECT_NE(warning.find("three replicas"), std::string::npos);
  EXPECT_EQ(durability_warning({2, 10, 4}, ServerOwner::kMixer), "");
  EXPECT_NE(durability_warning({2, 10, 4}, ServerOwner::kForeign).find("sync_interval"), std::string::npos);
  EXPECT_NE(durability_warning({2, 10, 21}, ServerOwner::kMixer).find("another version"), std::string::npos);
}

TEST(ServerCheck, ARealServerSaysWhatItIsAndOurStreamsHaveNoFault) {
  testing::TestServer server;
  server.start();
  const auto bus = server.mixer();
  testing::TestServer::must(StreamAdmin(*bus).ensure_streams(kSmall));
  const auto address = "nats://127.0.0.1:" + std::to_string(server.port);
  const auto info = ask_server_info(address, std::chrono::seconds(5));
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->version, server_version("nats-server").value());
  EXPECT_TRUE(info->jetstream);
  EXPECT_TRUE(stream_faults(*bus).empty());
  EXPECT_TRUE(check_server(*bus, address, ServerOwner::kMixer, kSmall, server.quiet));
}

TEST(ServerCheck, AStreamInMemoryIsNamedWithItsCostAndTheNextStep) {
  testing::TestServer server;
  server.start();
  const auto bus = server.mixer();
  jsStreamConfig config;
  (void)jsStreamConfig_Init(&config);
  const char* subjects[] = {"flux.msg.>"};
  config.Name = kStreamMessages.data();
  config.Subjects = subjects;
  config.SubjectsLen = 1;
  config.Storage = js_MemoryStorage;
  ASSERT_EQ(js_AddStream(nullptr, bus->native().jetstream.get(), &config, nullptr, nullptr), NATS_OK);
  const auto faults = stream_faults(*bus);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_NE(faults[0].find("stream FLUX_MSG is kept in memory"), std::string::npos);
  EXPECT_NE(faults[0].find("nats stream rm FLUX_MSG"), std::string::npos);
}

TEST(ServerCheck, SettingsThatCanBeChangedAreRepaired) {
  testing::TestServer server;
  server.start();
  const auto bus = server.mixer();
  jsStreamConfig config;
  (void)jsStreamConfig_Init(&config);
  const char* subjects[] = {"flux.msg.>"};
  config.Name = kStreamMessages.data();
  config.Subjects = subjects;
  config.SubjectsLen = 1;
  config.Discard = js_DiscardOld;
  config.MaxMsgs = 10;
  config.MaxMsgSize = 100;
  ASSERT_EQ(js_AddStream(nullptr, bus->native().jetstream.get(), &config, nullptr, nullptr), NATS_OK);
  testing::TestServer::must(StreamAdmin(*bus).ensure_streams(kSmall));
  jsStreamInfo* raw = nullptr;
  ASSERT_EQ(js_GetStreamInfo(&raw, bus->native().jetstream.get(), kStreamMessages.data(), nullptr, nullptr),
            NATS_OK);
  const StreamInfoHandle info(raw);
  EXPECT_EQ(info->Config->Discard, js_DiscardNew);
  EXPECT_EQ(info->Config->MaxMsgs, -1);
  EXPECT_EQ(info->Config->MaxMsgSize, -1);
}

}  // namespace
}  // namespace fluxrig::snake
