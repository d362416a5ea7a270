// The program as a script sees it: exit codes, output, what goes to stderr.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/random.hpp"
#include "gear/bus/spool_entry.hpp"
#include "lane/backlog_entry.hpp"
#include "model/record_codec.hpp"
#include "sanitize/test_clean_bytes.hpp"
#include "wal/posix_disk.hpp"
#include "wal/writer.hpp"

namespace fluxrig::client {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Ran {
  int exit = -1;
  std::string output;  // both streams
};

// `arguments` as a shell reads them.
Ran fluxrig(const std::string& arguments) {
  const std::string command =
      std::string("env -i PATH=/bin:/usr/bin ") + FLUXRIG_BINARY + " " + arguments + " 2>&1 </dev/null";
  Ran ran;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return ran;
  std::array<char, 4096> piece;
  for (std::size_t size = 0; (size = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;)
    ran.output.append(piece.data(), size);
  const int status = ::pclose(pipe);
  ran.exit = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

class CommandTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "client-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }
  std::string folder_;
};

constexpr const char* kScenario = R"(rack: edge
gears:
  shop: { type: http_server, listen: "127.0.0.1:0", routes: [ { path: /authorize, method: POST } ] }
  bank: { type: tcp_client, connect: "127.0.0.1:8583", framing: FRAMING }
wires: [ shop -> bank ]
)";

std::string scenario_with(const std::string& framing) {
  std::string text = kScenario;
  return text.replace(text.find("FRAMING"), 7, framing);
}

TEST_F(CommandTest, EveryCommandHasHelpWithExamples) {
  for (const char* command :
       {"",          "rack",         "rack pressure", "check",  "gears",   "pki",        "pki init",
        "pki issue", "pki show",     "wal",           "wal ls", "wal cat", "wal verify", "load",
        "load http", "load iso8583", "trace",         "tail",   "query",   "racks"}) {
    const auto ran = fluxrig(std::string(command) + " --help");
    EXPECT_EQ(ran.exit, 0) << command;
    EXPECT_THAT(ran.output, HasSubstr("Examples:")) << command;
    EXPECT_THAT(ran.output, HasSubstr("Exit codes:")) << command;
  }
  EXPECT_THAT(fluxrig("--version").output, StartsWith("fluxrig 0."));
}

TEST_F(CommandTest, WrongCommandLinesExitWithTwo) {
  for (const char* arguments : {"",
                                "no-such-command",
                                "rack",
                                "rack pressure",
                                "rack pressure edge",
                                "rack pressure edge divert --for 10m",
                                "rack pressure edge divert --reason x",
                                "rack pressure edge divert --for 25h --reason x",
                                "rack pressure edge divert --for soon --reason x",
                                "rack pressure edge replay --for 1m --reason x",
                                "rack pressure edge auto --for 1m --reason x",
                                "rack edge.yaml pressure edge auto --reason x",
                                "check",
                                "pki",
                                "pki issue DIR",
                                "pki issue DIR --rack a --mixer b",
                                "pki issue DIR --server nats",
                                "wal ls",
                                "load",
                                "load http",
                                "load http ftp://x",
                                "load http http://127.0.0.1:1 --rate -1",
                                "load http http://127.0.0.1:1 --duration 5",
                                "load http http://127.0.0.1:1 --header nonsense",
                                "load http http://127.0.0.1:1 --body /no/such/file",
                                "load iso8583 nowhere",
                                "load iso8583 h:1 --framing lenght2",
                                "load iso8583 h:1 --spec no-such-spec",
                                "trace xyz",
                                "trace",
                                "tail --outcome perhaps",
                                "tail --min-duration 5",
                                "query",
                                "query --csv --json x",
                                "gears no_such_gear"})
    EXPECT_EQ(fluxrig(arguments).exit, 2) << arguments << "\n" << fluxrig(arguments).output;
}

TEST_F(CommandTest, CheckPraisesAValidScenario) {
  const auto file = write("edge.yaml", scenario_with("length2"));
  const auto ran = fluxrig("check " + file);
  EXPECT_EQ(ran.exit, 0);
  EXPECT_EQ(ran.output, file + ": ok: 2 gears, 1 wire\n");
  EXPECT_THAT(fluxrig("check --json " + file).output, StartsWith(R"({"valid":true,"files":[{"file":")"));
}

TEST_F(CommandTest, CheckNamesThePlaceOfAMistakeAndExitsWithTwo) {
  const auto good = write("good.yaml", scenario_with("length2"));
  const auto file = write("edge.yaml", scenario_with("lenght2"));
  const auto ran = fluxrig("check " + good + " " + file);
  EXPECT_EQ(ran.exit, 2);
  EXPECT_THAT(ran.output, HasSubstr("edge.yaml:4:"));
  EXPECT_THAT(ran.output, HasSubstr("length2"));
  EXPECT_EQ(fluxrig("rack " + file).exit, 2);
  EXPECT_EQ(fluxrig("check " + folder_ + "/none.yaml").exit, 2);
  EXPECT_EQ(fluxrig("rack " + folder_ + "/none.yaml").exit, 2);
}

TEST_F(CommandTest, GearsListsTypesAndTheirOptions) {
  EXPECT_THAT(fluxrig("gears").output, HasSubstr("http_server"));
  EXPECT_THAT(fluxrig("gears tcp_client").output, HasSubstr("reply_timeout"));
  EXPECT_THAT(fluxrig("gears --scenario").output, HasSubstr("FLUXRIG_TELEMETRY_SAMPLING_RATIO"));
  EXPECT_THAT(fluxrig("gears tcp_clint").output, HasSubstr("did you mean 'tcp_client'?"));
}

TEST_F(CommandTest, PkiMakesAnAuthorityOnceAndIssuesFromIt) {
  const auto pki = folder_ + "/pki";
  EXPECT_EQ(fluxrig("pki init " + pki).exit, 0);
  EXPECT_EQ(fluxrig("pki init " + pki).exit, 1);
  EXPECT_EQ(fluxrig("pki issue " + pki + " --rack edge").exit, 0);
  EXPECT_EQ(fluxrig("pki issue " + pki + " --server nats --host 127.0.0.1 --host localhost").exit, 0);
  const auto shown = fluxrig("pki show " + pki);
  EXPECT_EQ(shown.exit, 0);
  EXPECT_THAT(shown.output, HasSubstr("edge"));
  EXPECT_THAT(fluxrig("pki show --json " + pki).output,
              HasSubstr(R"("name":"nats","role":"server","machine_id":null)"));
  EXPECT_EQ(fluxrig("pki show " + folder_ + "/none").exit, 1);
}

TEST_F(CommandTest, ClientsSayWhatToDoWhenNoMixerAnswers) {
  for (const char* command :
       {"racks", "rack pressure edge auto --reason x", "trace 0192f3c1", "query 'SELECT 1'", "tail"}) {
    const auto ran = fluxrig(std::string(command) + " --mixer http://127.0.0.1:1");
    EXPECT_EQ(ran.exit, 1) << command;
    EXPECT_THAT(ran.output,
                HasSubstr("http://127.0.0.1:1: cannot connect: Connection refused; is the mixer running"))
        << command;
  }
  EXPECT_THAT(fluxrig("racks --token-file /no/such/token").output, HasSubstr("/no/such/token"));
}

// A lane with one block, closed.
void write_lane(const std::string& directory, model::Lane lane, ByteView records, std::uint32_t count) {
  wal::PosixDisk disk;
  ManualClock clock;
  SeededRandom random(1);
  wal::WriterSetup setup{disk, clock, directory, make_machine_id(random), lane, {}};
  setup.options.rack = "edge";
  auto writer = wal::Writer::open(setup);
  ASSERT_TRUE(writer) << writer.error().message;
  ASSERT_TRUE((*writer)->append(records, count));
  ASSERT_TRUE((*writer)->sync());
  ASSERT_TRUE((*writer)->close());
}

// With two records.
void write_lane(const std::string& directory) {
  model::Log log;
  log.body = "started \x1b[31m";
  log.event_name = "fluxrig.rack.started";
  Bytes records;
  model::encode(model::Record(log), records);
  model::encode(model::Record(log), records);
  write_lane(directory, model::Lane::kAudit, records, 2);
}

TEST_F(CommandTest, WalCommandsReadALaneAndTakeADataDirectoryToo) {
  write_lane(folder_ + "/audit");
  const auto cat = fluxrig("wal cat " + folder_);
  EXPECT_EQ(cat.exit, 0) << cat.output;
  EXPECT_EQ(std::count(cat.output.begin(), cat.output.end(), '\n'), 2);
  EXPECT_THAT(cat.output, StartsWith(R"({"epoch":1,"sequence":1,"record":"log")"));
  EXPECT_EQ(cat.output.find('\x1b'), std::string::npos);
  EXPECT_THAT(fluxrig("wal cat --sequence 2 --epoch 1 " + folder_).output,
              StartsWith(R"({"epoch":1,"sequence":2,)"));
  const auto verified = fluxrig("wal verify " + folder_ + "/audit");
  EXPECT_EQ(verified.exit, 0) << verified.output;
  EXPECT_THAT(verified.output, HasSubstr("2 records"));
  EXPECT_THAT(verified.output, HasSubstr("no gap, no alteration"));
  EXPECT_THAT(fluxrig("wal ls " + folder_).output, HasSubstr("1 segment, 2 records"));
}

// What waits for the bus is named, and its payload, which may hold anything, is not shown.
TEST_F(CommandTest, WalCatNamesTheMessagesOfASpoolAndTheBatchesOfTheBacklog) {
  const Bytes payload{'s', 'e', 'c', 'r', 'e', 't'};
  const snake::Outgoing message{
      "flux.msg.edge.send.out", {{"flux-id", "0192f3c1"}}, sanitize::TestBytes::of(payload), "id-1"};
  write_lane(folder_ + "/spool", model::Lane::kSpool, gear::bus::encode_spool_entry(message), 1);
  const auto spool = fluxrig("wal cat " + folder_ + "/spool");
  EXPECT_EQ(spool.exit, 0);
  EXPECT_EQ(
      spool.output,
      R"({"epoch":1,"sequence":1,"record":"message","subject":"flux.msg.edge.send.out","id":"id-1","flux_id":"0192f3c1","bytes":6})"
      "\n");
  lane::TelemetryBatch batch{Bytes(3, 0x01), 3, {{2, 1, 0}}, {}, {}, {5}, {41}};
  Bytes entry;
  lane::encode(lane::make_block(batch, {}), lane::Sent::kNever, entry);
  write_lane(folder_ + "/telemetry", model::Lane::kTelemetry, entry, 1);
  const auto telemetry = fluxrig("wal cat " + folder_ + "/telemetry");
  EXPECT_EQ(telemetry.exit, 0);
  EXPECT_THAT(
      telemetry.output,
      HasSubstr(R"("record":"batch","batch_epoch":5,"first":41,"last":43,"spans":2,"metrics":1,"logs":0,)"));
}

TEST_F(CommandTest, DamagedSegmentsExitWithThree) {
  write_lane(folder_ + "/audit");
  for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/audit")) {
    if (entry.path().extension() != ".wal") continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(40);
    file.put('\x7f');
  }
  EXPECT_EQ(fluxrig("wal verify " + folder_).exit, 3);
  EXPECT_EQ(fluxrig("wal cat " + folder_).exit, 3);
  EXPECT_EQ(fluxrig("wal ls --json " + folder_).exit, 3);
  EXPECT_EQ(fluxrig("wal verify " + folder_ + "/none").exit, 1);
}

}  // namespace
}  // namespace fluxrig::client
