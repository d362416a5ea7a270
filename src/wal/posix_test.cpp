// The WAL on the real disk: processes that are killed, directories that refuse, a reader in another thread.
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "wal/inspect.hpp"
#include "wal/posix_disk.hpp"
#include "wal/test_lane.hpp"

namespace fluxrig::wal {
namespace {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fluxrig-wal-XXXXXX").string();
    const char* made = ::mkdtemp(pattern.data());
    path_ = made == nullptr ? "" : made;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Outcome<std::unique_ptr<Writer>> open_lane(Disk& disk, const Clock& clock, const std::string& directory) {
  WriterOptions options;
  options.segment_bytes = 128U << 10;
  options.free_reserve_bytes = 0;
  return Writer::open({disk, clock, directory, test_machine(), model::Lane::kAudit, options});
}

struct Report {
  std::uint64_t epoch = 0;
  std::uint64_t synced = 0;
};

// Appends and syncs until it is killed; tells the pipe what is on disk.
[[noreturn]] void child_work(const std::string& directory, int pipe, std::uint64_t seed) {
  PosixDisk disk;
  SystemClock clock;
  SeededRandom random(seed);
  auto opened = open_lane(disk, clock, directory);
  if (!opened) ::_exit(1);
  Writer& writer = **opened;
  for (;;) {
    for (std::uint64_t i = random.below(4); i <= 4; ++i) {
      const auto count = static_cast<std::uint32_t>(1 + random.below(5));
      const Bytes records = test_records(writer.next_sequence().value, count, random.below(700));
      if (!writer.append(records, count)) ::_exit(2);
    }
    if (!writer.sync()) ::_exit(3);
    const Report report{writer.epoch().value, writer.next_sequence().value - 1};
    if (::write(pipe, &report, sizeof report) != sizeof report) ::_exit(4);
    if (!writer.maintain()) ::_exit(5);
  }
}

// False when the child ends or says nothing for 20 s.
bool read_report(int pipe, Report& report) {
  pollfd ready{pipe, POLLIN, 0};
  if (::poll(&ready, 1, 20'000) != 1) return false;
  return ::read(pipe, &report, sizeof report) == sizeof report;
}

TEST(WalProcess, KilledAtAnyTimeLosesNothingThatWasSynced) {
  const std::uint64_t seed = SeededRandom::from_system().next();
  SCOPED_TRACE("seed " + std::to_string(seed));
  SeededRandom random(seed);
  const TemporaryDirectory base;
  const std::string directory = base.path() + "/audit";
  PosixDisk disk;
  std::vector<Report> synced;
  for (int round = 0; round < 20; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const std::uint64_t child_seed = random.next();
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      child_work(directory, ends[1], child_seed);
    }
    ::close(ends[1]);
    Report report;
    bool alive = true;
    for (std::uint64_t left = 1 + random.below(60); left > 0 && alive; --left)
      alive = read_report(ends[0], report);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(alive);
    while (read_report(ends[0], report)) {  // what it said before it died
    }
    ::close(ends[0]);
    ASSERT_EQ(report.epoch, static_cast<std::uint64_t>(round + 1));
    synced.push_back(report);
  }
  SystemClock clock;
  auto writer = open_lane(disk, clock, directory);
  ASSERT_TRUE(writer) << writer.error().message;
  const auto records = read_all(disk, directory);
  for (const auto& report : synced) {
    std::uint64_t next = 1;
    for (const auto& record : records) {
      if (record.epoch.value != report.epoch) continue;
      ASSERT_EQ(record.sequence.value, next);
      ASSERT_EQ(record.number, next);
      ++next;
    }
    EXPECT_GT(next, report.synced) << "epoch " << report.epoch;
  }
  const auto verified = verify(disk, directory);
  ASSERT_TRUE(verified);
  for (const auto& finding : verified->findings) ADD_FAILURE() << finding.file << ": " << finding.what;
  EXPECT_EQ(verified->epochs, 21U);
}

TEST(WalProcess, ACursorInAnotherThreadReadsEverythingWhileSegmentsAreReleased) {
  constexpr std::uint64_t kRecords = 4000;
  const TemporaryDirectory base;
  PosixDisk disk;
  SystemClock clock;
  auto writer = open_lane(disk, clock, base.path() + "/audit");
  ASSERT_TRUE(writer);
  std::atomic<std::uint64_t> seen{0};  // the reader's store pairs with the writer's load before release
  std::atomic<bool> gave_up{false};
  std::uint64_t misread = 0;
  std::jthread reader([&] {
    Cursor cursor(disk, base.path() + "/audit", {}, &(*writer)->durable());
    const std::int64_t deadline = clock.monotonic().value + 30 * kNanosPerSecond;
    while (seen.load() < kRecords && clock.monotonic().value < deadline) {
      for (const auto& record : read_records(cursor)) {
        if (record.sequence.value != seen.load() + 1 || record.number != record.sequence.value) ++misread;
        seen.store(record.sequence.value);
      }
      if (cursor.damage()) break;
      std::this_thread::yield();
    }
    gave_up.store(seen.load() < kRecords);
  });
  Receipts receipts;
  for (std::uint64_t next = 1; next <= kRecords; next += 4) {
    ASSERT_TRUE((*writer)->append(test_records(next, 4, 400), 4));
    if (next % 16 == 1) {
      ASSERT_TRUE((*writer)->sync());
      ASSERT_TRUE((*writer)->maintain());
    }
    const std::uint64_t done = seen.load();
    if (done > 0) {
      ASSERT_TRUE(receipts.add((*writer)->epoch(), {Sequence{1}, Sequence{done}}));
      ASSERT_TRUE((*writer)->release(receipts));
    }
  }
  ASSERT_TRUE((*writer)->sync());
  reader.join();
  EXPECT_FALSE(gave_up.load());
  EXPECT_EQ(misread, 0U);
}

TEST(WalOpen, NamesTheDirectoryWhoseParentIsMissing) {
  const TemporaryDirectory base;
  PosixDisk disk;
  SystemClock clock;
  const auto opened = open_lane(disk, clock, base.path() + "/nowhere/audit");
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find(base.path() + "/nowhere/audit"), std::string::npos);
  EXPECT_NE(opened.error().message.find("parent does not exist"), std::string::npos);
}

TEST(WalOpen, NamesTheProcessThatHoldsTheLock) {
  const TemporaryDirectory base;
  PosixDisk disk;
  SystemClock clock;
  auto first = open_lane(disk, clock, base.path() + "/audit");
  ASSERT_TRUE(first);
  const auto second = open_lane(disk, clock, base.path() + "/audit");
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find(base.path() + "/audit"), std::string::npos);
  EXPECT_NE(second.error().message.find("process " + std::to_string(::getpid())), std::string::npos);
  first->reset();
  EXPECT_TRUE(open_lane(disk, clock, base.path() + "/audit"));
}

TEST(WalOpen, RefusesADirectoryOfAnotherRack) {
  const TemporaryDirectory base;
  PosixDisk disk;
  SystemClock clock;
  ASSERT_TRUE(open_lane(disk, clock, base.path() + "/audit"));
  MachineId other = test_machine();
  other.bytes[0] ^= 1;
  const auto opened = Writer::open({disk, clock, base.path() + "/audit", other, model::Lane::kAudit, {}});
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find(to_string(test_machine())), std::string::npos);
}

// A directory that only refuses; the tests may run as root, whom no permission stops.
class ReadOnlyDisk final : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string&, OpenMode) override { return refuse(); }
  Result<void> rename(const std::string&, const std::string&) override { return refuse(); }
  Result<void> unlink(const std::string&) override { return refuse(); }
  Result<void> sync_directory(const std::string&) override { return refuse(); }
  Result<void> make_directory(const std::string&) override { return refuse(); }
  Result<std::vector<std::string>> list(const std::string&) override { return refuse(); }
  Result<std::uint64_t> free_bytes(const std::string&) override { return refuse(); }
  Result<std::unique_ptr<Lock>> lock(const std::string&) override { return refuse(); }

 private:
  static tl::unexpected<Error> refuse() { return fail(ErrorCode::kRefused, "cannot open", EROFS); }
};

TEST(WalOpen, SaysWhatToDoAboutAReadOnlyDirectory) {
  ReadOnlyDisk disk;
  SystemClock clock;
  const auto opened = open_lane(disk, clock, "/var/lib/fluxrig/audit");
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("'/var/lib/fluxrig/audit': Read-only file system"),
            std::string::npos);
  EXPECT_NE(opened.error().message.find("remount"), std::string::npos);
}

}  // namespace
}  // namespace fluxrig::wal
