#include "rack/scenario.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rack/scenario_fixture.hpp"

namespace fluxrig::rack {
namespace {

using namespace scenario_test;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Scenario, ReadsEverythingOfASoundFile) {
  const auto loaded = load(kGood, "/etc/fluxrig", catalogue());
  ASSERT_TRUE(loaded.has_value()) << report(loaded.error(), "edge.yaml", kGood);
  EXPECT_EQ(loaded->rack, "edge");
  ASSERT_TRUE(loaded->mixer.has_value());
  EXPECT_EQ(loaded->mixer->address, "nats://mixer.example:4222");
  EXPECT_EQ(loaded->mixer->certificates, "/etc/fluxrig/pki");
  EXPECT_EQ(loaded->data, "/etc/fluxrig/fluxrig-data/edge");
  EXPECT_EQ(loaded->telemetry.audit.durability, Durability::kInterval);
  EXPECT_EQ(loaded->telemetry.audit.intent, IntentMode::kCommit);
  EXPECT_EQ(loaded->telemetry.audit.interval, std::chrono::milliseconds(10));
  EXPECT_EQ(loaded->telemetry.audit.disk_bytes, 1U << 30);
  EXPECT_EQ(loaded->telemetry.backlog_bytes, 64U << 20);
  EXPECT_DOUBLE_EQ(loaded->telemetry.sampling.ratio, 0.1);
  EXPECT_EQ(loaded->profile, Profile::kProduction);
  EXPECT_EQ(loaded->limits.in_flight, 4096U);
  ASSERT_EQ(loaded->gears.size(), 5U);
  EXPECT_EQ(loaded->gears[4].name, "bank_b");
  EXPECT_EQ(loaded->gears[4].settings.text("framing"), "ascii4");
  EXPECT_THAT(loaded->gears[2].ports, ElementsAre("visa", "other"));
  EXPECT_TRUE(loaded->gears[3].ports.empty());
}

// Not by operator+: gcc 12 warns falsely of the copy under ThreadSanitizer (array-bounds).
std::string and_memory(std::string_view memory) { return fmt::format("{}memory: {}\n", kGood, memory); }

TEST(Scenario, MemoryIsSmallUnlessItSaysOtherwiseAndTheRingAPowerOfTwo) {
  const auto usual = load(kGood, "", catalogue());
  ASSERT_TRUE(usual.has_value());
  EXPECT_EQ(usual->memory.ring_bytes, 256U << 10);
  EXPECT_EQ(usual->memory.queue_bytes, 4U << 20);
  EXPECT_EQ(usual->memory.arenas, 3);
  EXPECT_EQ(usual->memory.thread_stack_bytes, 1U << 20);
  const auto said =
      load(and_memory("{ ring: 300KiB, queue: 1MiB, arenas: 1, thread_stack: 256KiB }"), "", catalogue());
  ASSERT_TRUE(said.has_value()) << report(said.error(), "edge.yaml", kGood);
  EXPECT_EQ(said->memory.ring_bytes, 512U << 10);
  EXPECT_EQ(said->memory.queue_bytes, 1U << 20);
  EXPECT_EQ(said->memory.arenas, 1);
  EXPECT_EQ(said->memory.thread_stack_bytes, 256U << 10);
  EXPECT_FALSE(load(and_memory("{ ring: 1KiB }"), "", catalogue()).has_value());
}

TEST(Scenario, JoinsGearsByPortAsTheWiresSay) {
  const auto loaded = load(kGood, "", catalogue());
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->wires.size(), 4U);
  EXPECT_EQ(loaded->target(0, 0), 1U);
  EXPECT_EQ(loaded->target(2, 0), 3U);
  EXPECT_EQ(loaded->target(2, 1), 4U);
  EXPECT_FALSE(loaded->target(3, 0).has_value());
}

TEST(Scenario, SeveralGearsMayLeadIntoOneAndAPathMayBeRepeated) {
  const auto text = with(three_and("  till: { type: http_server, listen: \"127.0.0.1:0\" }\n"),
                         "shop -> codec -> bank, till -> codec -> bank");
  const auto loaded = load(text, "", catalogue());
  ASSERT_TRUE(loaded.has_value()) << report(loaded.error(), "edge.yaml", text);
  EXPECT_EQ(loaded->wires.size(), 3U);
}

TEST(Scenario, ReportsEveryMistakeAtOnceWithPlaceMarkAndHint) {
  const std::string text =
      "rack: edge\n"
      "gears:\n"
      "  shop: { type: http_sever, listen: \"127.0.0.1:0\" }\n"
      "  bank:\n"
      "    type: tcp_client\n"
      "    connect: bank\n"
      "    framing: lenght2\n"
      "wires: [ shop -> bnak ]\n";
  const std::string shown = report(complaints_of(text), "edge.yaml", text);
  EXPECT_THAT(shown, HasSubstr("edge.yaml:3:17: gear 'shop': unknown type 'http_sever'"));
  EXPECT_THAT(shown, HasSubstr("did you mean 'http_server'?"));
  EXPECT_THAT(shown, HasSubstr("edge.yaml:6:14: gear 'bank': 'connect' must be a host and port"));
  EXPECT_THAT(
      shown,
      HasSubstr(
          "edge.yaml:7:14: gear 'bank': unknown framing 'lenght2'\n"
          "        framing: lenght2\n"
          "                 ^~~~~~~ did you mean 'length2'? one of: length2, length4, ascii4, newline\n"));
  EXPECT_THAT(shown, HasSubstr("edge.yaml:8:18: a wire names the gear 'bnak', which does not exist\n"
                               "    wires: [ shop -> bnak ]\n"
                               "                     ^~~~ did you mean 'bank'?\n"));
  EXPECT_THAT(shown, ::testing::EndsWith("edge.yaml: 4 errors. Nothing was started.\n"));
}

TEST(Scenario, CountsOneErrorInTheSingular) {
  const auto text = with(kThree, "shop -> bank");
  EXPECT_THAT(report({{{1, 1}, 4, "no", ""}}, "e.yaml", text),
              HasSubstr("e.yaml: 1 error. Nothing was started."));
  EXPECT_EQ(report({}, "e.yaml", text), "");
}

TEST(Scenario, RefusesAFileWithoutAnIngress) {
  const auto complaints = complaints_of(
      with("  codec: { type: codec }\n  bank: { type: tcp_client, connect: \"b:1\" }\n", "codec -> bank"));
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_EQ(complaints[0].message, "no gear lets messages in");
}

TEST(Scenario, RefusesTwoGearsOnOnePortUnlessTheirAddressesDiffer) {
  const auto text = [](std::string_view first, std::string_view second) {
    return with("  a: { type: http_server, listen: \"" + std::string(first) +
                    "\" }\n  b: { type: http_server, listen: \"" + std::string(second) +
                    "\" }\n  bank: { type: tcp_client, connect: \"b:1\" }\n",
                "a -> bank, b -> bank");
  };
  EXPECT_EQ(only_complaint(text(":8080", "127.0.0.1:8080")).message,
            "gear 'b': port 8080 is already taken by gear 'a'");
  EXPECT_TRUE(load(text("127.0.0.1:8080", "127.0.0.2:8080"), "", catalogue()).has_value());
  EXPECT_TRUE(load(text("127.0.0.1:0", "127.0.0.1:0"), "", catalogue()).has_value());
}

TEST(Scenario, TheMonitorListensWhereItIsToldAndOnNoPortOfAGear) {
  const std::string text = with(
      "  a: { type: http_server, listen: \"127.0.0.1:8080\" }\n  bank: { type: tcp_client, connect: \"b:1\" "
      "}\n",
      "a -> bank");
  const auto without = load(text, "", catalogue());
  ASSERT_TRUE(without);
  EXPECT_FALSE(without->monitor);
  const auto listening = load(text + "monitor: { listen: \"127.0.0.1:9464\" }\n", "", catalogue());
  ASSERT_TRUE(listening);
  ASSERT_TRUE(listening->monitor);
  EXPECT_EQ(listening->monitor->listen.port, 9464);
  const auto moved = load(text, "", catalogue(), {{"FLUXRIG_MONITOR_LISTEN", "127.0.0.1:9465"}});
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->monitor->listen.port, 9465);
  EXPECT_EQ(only_complaint(text + "monitor: { listen: \":8080\" }\n").message,
            "monitor: port 8080 is already taken by gear 'a'");
  EXPECT_THAT(only_complaint(text + "monitor: {}\n").message, HasSubstr("'listen' is missing"));
}

TEST(Scenario, RefusesNamesThatAreNoTokens) {
  EXPECT_THAT(only_complaint("rack: My Rack\n" + with(kThree, "shop -> codec -> bank").substr(11)).message,
              HasSubstr("'My Rack' is no name of a rack"));
  const auto complaints =
      complaints_of(with("  Shop!: { type: http_server, listen: \":0\" }\n", "Shop! -> Shop!"));
  EXPECT_THAT(complaints.front().message, HasSubstr("'Shop!' is no name of a gear"));
}

TEST(Scenario, RefusesUnknownKeysAndMissingOnesOfTheRack) {
  const auto text = "telemetri: {}\n" + with(kThree, "shop -> codec -> bank");
  EXPECT_THAT(only_complaint(text).hint, StartsWith("did you mean 'telemetry'?"));
  EXPECT_THAT(only_complaint(with(kThree, "shop -> codec -> bank").substr(11)).message,
              HasSubstr("'rack' is missing"));
  EXPECT_THAT(only_complaint("[1]").message, HasSubstr("a scenario is a map"));
  EXPECT_EQ(complaints_of("rack: [").size(), 1U);
}

TEST(Scenario, ProductionRefusesDebugDiagnostics) {
  const auto text = "log: {level: debug}\n" + with(kThree, "shop -> codec -> bank");
  EXPECT_EQ(only_complaint(text).message, "profile: production refuses debug diagnostics");
  const auto loaded = load("profile: development\n" + text, "", catalogue());
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->log.level, Severity::kDebug);
}

TEST(Scenario, ProductionRefusesDebugAndCoreDumpsFromTheEnvironmentToo) {
  const auto text = with(kThree, "shop -> codec -> bank");
  const auto message = [&](const Environment& environment) {
    const auto loaded = load(text, "", catalogue(), environment);
    return loaded || loaded.error().empty() ? std::string("loaded") : loaded.error().front().message;
  };
  EXPECT_EQ(message({{"FLUXRIG_LOG_LEVEL", "debug"}}), "profile: production refuses debug diagnostics");
  EXPECT_EQ(message({{"FLUXRIG_CORE_DUMPS", "true"}}), "profile: production refuses core dumps");
  EXPECT_THAT(message({{"FLUXRIG_PROFILE", "development"}, {"FLUXRIG_LOG_LEVEL", "debug"}}),
              HasSubstr("the profile is set in the scenario only"));
}

TEST(Scenario, ANameThatHoldsACardNumberIsRefusedAndNotQuoted) {
  const auto text = "rack: r\ngears:\n  g4111111111111111: {type: http_server}\nwires: []\n";
  const auto loaded = load(text, "", catalogue());
  ASSERT_FALSE(loaded.has_value());
  bool told = false;
  for (const auto& complaint : loaded.error())
    told = told || complaint.message == "a name holds what looks like a card number";
  EXPECT_TRUE(told);
}

TEST(ScenarioPorts, ATakenPortIsNamedWithTheWayToItsHolder) {
  const int holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(holder, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(holder, 1), 0);
  socklen_t size = sizeof address;
  ASSERT_EQ(getsockname(holder, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const auto port = std::to_string(ntohs(address.sin_port));

  const auto loaded = load(with("  shop: { type: http_server, listen: \"127.0.0.1:" + port +
                                    "\" }\n  bank: { type: tcp_client, connect: \"b:1\" }\n",
                                "shop -> bank"),
                           "", catalogue());
  ASSERT_TRUE(loaded.has_value());
  const auto complaints = check_ports(*loaded);
  close(holder);
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_EQ(complaints[0].message, "gear 'shop': port " + port + " is in use");
  EXPECT_EQ(complaints[0].hint, "find the holder with: ss -ltnp 'sport = :" + port + "'");
  EXPECT_EQ(complaints[0].mark.line, 3);
}

TEST(ScenarioPorts, TheMonitorsPortIsTriedToo) {
  auto loaded = load(with(kThree, "shop -> codec -> bank"), "", catalogue());
  ASSERT_TRUE(loaded.has_value());
  loaded->monitor = MonitorListen{{"192.0.2.1", 9464}, {7, 3}};  // of no machine (RFC 5737)
  const auto complaints = check_ports(*loaded);
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_THAT(complaints[0].message, StartsWith("monitor: cannot listen on 192.0.2.1:9464"));
  EXPECT_EQ(complaints[0].mark.line, 7);
}

TEST(ScenarioPorts, FreePortsAreNoComplaint) {
  const auto loaded = load(with(kThree, "shop -> codec -> bank"), "", catalogue());
  ASSERT_TRUE(loaded.has_value());
  EXPECT_TRUE(check_ports(*loaded).empty());
}

TEST(ScenarioDirectories, MissingCertificatesAreNamed) {
  const auto loaded = load(kGood, "/nonexistent", catalogue());
  ASSERT_TRUE(loaded.has_value());
  const auto complaints = check_directories(*loaded);
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_THAT(complaints[0].message, HasSubstr("/nonexistent/pki"));
}

}  // namespace
}  // namespace fluxrig::rack
