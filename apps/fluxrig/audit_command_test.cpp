// fluxrig audit verify and export, on a directory as a rack leaves it: the sentence and the exit code.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "fluxrig/audit_view.hpp"
#include "wal/checkpoint.hpp"
#include "wal/posix_disk.hpp"
#include "wal/writer.hpp"

namespace fluxrig::client {
namespace {

struct RackDirectory {
  std::string path;
  wal::SigningKey key = wal::SigningKey::from_seed({5});
  ManualClock clock;

  RackDirectory() {
    char name[] = "/tmp/fluxrig-audit-XXXXXX";
    path = ::mkdtemp(name);
    write();
  }
  ~RackDirectory() { std::filesystem::remove_all(path); }

  void write() {
    wal::PosixDisk disk;
    MachineId machine;
    machine.bytes.fill(7);
    wal::WriterOptions options;
    options.free_reserve_bytes = 0;
    options.rack = "edge";
    options.public_key = key.public_key();
    auto writer = wal::Writer::open({disk, clock, path + "/audit", machine, model::Lane::kAudit, options});
    ASSERT_TRUE(writer);
    for (std::uint8_t i = 0; i < 3; ++i) ASSERT_TRUE((*writer)->append(Bytes{i}, 1));
    wal::CheckpointStatement statement;
    statement.machine_id = machine;
    statement.epoch = (*writer)->epoch();
    statement.sequence = (*writer)->next_sequence();
    statement.head = (*writer)->head();
    statement.key_id = key.id();
    Bytes body;
    (void)wal::encode_checkpoint_body(statement, key, body);
    ASSERT_TRUE((*writer)->append_control(model::BlockKind::kCheckpoint, body));
    ASSERT_TRUE((*writer)->close());
  }
  void flip(const std::string& file, std::int64_t from_start) const {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(from_start);
    const int byte = stream.get();
    stream.seekp(from_start);
    stream.put(static_cast<char>(byte ^ 1));
  }
  [[nodiscard]] std::string segment() const { return path + "/audit/00000000000000000001-1.wal"; }
  [[nodiscard]] std::string bundle() const { return path + "/edge.audit"; }
};

struct Ran {
  int code = -1;
  std::string text;
};
Ran run(const std::string& arguments) {
  Ran ran;
  // Formatted rather than added up: gcc 12 sees an overflow in the sum that is none.
  const std::string line = fmt::format("{} audit {} 2>&1", FLUXRIG_BINARY, arguments);
  std::FILE* pipe = ::popen(line.c_str(), "r");
  std::array<char, 4096> buffer{};
  while (const auto count = std::fread(buffer.data(), 1, buffer.size(), pipe))
    ran.text.append(buffer.data(), count);
  const int status = ::pclose(pipe);
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

TEST(AuditCommand, SaysThatNothingIsMissingInADirectoryAndInItsBundle) {
  const RackDirectory rack;
  const auto directory = run("verify " + rack.path);
  EXPECT_EQ(directory.code, 0) << directory.text;
  EXPECT_NE(directory.text.find("3 records, 1 epochs, no gap, no fork, no alteration, signed to sequence 3, "
                                "unsigned tail 0"),
            std::string::npos)
      << directory.text;
  const auto exported = run("export " + rack.path + " -o " + rack.bundle());
  EXPECT_EQ(exported.code, 0) << exported.text;
  const auto bundle = run("verify " + rack.bundle() + " --json");
  EXPECT_EQ(bundle.code, 0) << bundle.text;
  EXPECT_NE(bundle.text.find(R"("name":"edge","good":true)"), std::string::npos) << bundle.text;
}

TEST(AuditCommand, NamesTheFirstBadSequenceAndItsPlaceAndExitsWithThree) {
  const RackDirectory rack;
  std::ifstream stream(rack.segment(), std::ios::binary);
  const std::string content((std::istreambuf_iterator<char>(stream)), {});
  // The only record of the second block of records: 81 02, an array of one.
  const auto second = content.find(std::string("\x09\x81\x01", 3));
  ASSERT_NE(second, std::string::npos);
  rack.flip(rack.segment(), static_cast<std::int64_t>(second) + 2);
  const auto ran = run("verify " + rack.path);
  EXPECT_EQ(ran.code, 3) << ran.text;
  EXPECT_NE(ran.text.find("alteration at epoch 1, sequence 2"), std::string::npos) << ran.text;
  EXPECT_NE(ran.text.find("00000000000000000001-1.wal at byte "), std::string::npos) << ran.text;
}

TEST(AuditCommand, HoldsTheKeyAgainstTheOneThatIsGiven) {
  const RackDirectory rack;
  const std::string file = rack.path + "/trusted";
  std::ofstream(file) << "# edge\n" << to_hex(rack.key.public_key()) << "\n";
  EXPECT_EQ(run("verify " + rack.path + " --key " + file).code, 0);
  std::ofstream(file) << to_hex(wal::SigningKey::from_seed({6}).public_key()) << "\n";
  const auto other = run("verify " + rack.path + " --key " + file);
  EXPECT_EQ(other.code, 3);
  EXPECT_NE(other.text.find("key changed at epoch 1, sequence 1"), std::string::npos) << other.text;
  std::ofstream(file) << "no key\n";
  EXPECT_EQ(run("verify " + rack.path + " --key " + file).code, 2);
}

TEST(AuditCommand, FailsWithOneWhenThereIsNothingToRead) {
  const RackDirectory rack;
  EXPECT_EQ(run("verify " + rack.path + "/nothing").code, 1);
  std::filesystem::create_directory(rack.path + "/empty");
  EXPECT_EQ(run("verify " + rack.path + "/empty").code, 1);
  std::ofstream(rack.path + "/text") << "no bundle";
  EXPECT_EQ(run("verify " + rack.path + "/text").code, 1);
  EXPECT_EQ(run("export " + rack.path + "/empty -o " + rack.bundle()).code, 1);
  EXPECT_FALSE(std::filesystem::exists(rack.bundle()));
  EXPECT_EQ(run("verify").code, 2);
}

TEST(AuditCommand, SaysThatACutBundleIsCut) {
  const RackDirectory rack;
  ASSERT_EQ(run("export " + rack.path + " -o " + rack.bundle()).code, 0);
  std::filesystem::resize_file(rack.bundle(), std::filesystem::file_size(rack.bundle()) - 70);
  const auto ran = run("verify " + rack.bundle());
  EXPECT_EQ(ran.code, 3);
  EXPECT_NE(ran.text.find("cut"), std::string::npos) << ran.text;
}

}  // namespace
}  // namespace fluxrig::client
