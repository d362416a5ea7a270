// The store on a disk that takes no more. A file that may not grow (RLIMIT_FSIZE) fails in DuckDB as a full
// disk does; the limit holds for a whole process, so each test has a child of its own.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <functional>

#include "sink/store_fixture.hpp"

namespace fluxrig::sink {
namespace {

class FullDiskTest : public StoreTest {
 protected:
  // Runs `body` in a child with the store open; its failures are those of this test.
  void in_child(const std::function<void()>& body) {
    const auto child = fork();
    if (child == 0) {
      std::signal(SIGXFSZ, SIG_IGN);
      open();
      if (!HasFailure()) body();
      store_.reset();
      _exit(HasFailure() ? 1 : 0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status)) << "the child ended by signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0) << "see the failures of the child above";
  }
  static void limit_files(rlim_t bytes) {
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = std::min(bytes, limit.rlim_max);
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  static void unlimit_files() { limit_files(RLIM_INFINITY); }
  [[nodiscard]] std::uint64_t log_bytes() const {
    std::error_code none;
    const auto size = std::filesystem::file_size(options_.directory / "store.duckdb.wal", none);
    return none ? 0 : size;
  }
  // One block whose texts are all different, so that a text in another row shows.
  [[nodiscard]] IncomingBlock named(std::uint64_t first, std::size_t count, const std::string& word) {
    std::vector<model::Record> records;
    for (std::size_t i = 0; i < count; ++i) {
      auto one = transaction(clock_.now());
      one.name = word + std::to_string(first + i);
      one.attributes = {{"seen", one.name}};
      records.emplace_back(std::move(one));
    }
    return block(first, std::move(records));
  }
  // All rows, and each as it was given.
  void expect_rows(std::uint64_t count) {
    EXPECT_EQ(cell("SELECT count(*) FROM transactions"), std::to_string(count));
    EXPECT_EQ(
        cell("SELECT count(*) FROM transactions WHERE name = 'kept' || seq AND attributes['seen'] = name "
             "AND rack = 'edge'"),
        std::to_string(count));
    EXPECT_EQ(cell("SELECT coalesce(max(last_seq), 0) FROM ledger"), std::to_string(count));
  }
};

// DuckDB 1.4.4 takes rows back whose commit failed, but not their texts: the rows that come next would read
// as longer texts than were given, or as memory that is not theirs.
TEST_F(FullDiskTest, RowsStoredAfterAFailedCommitReadAsTheyWereGiven) {
  in_child([this] {
    store(named(1, 10, "kept"));
    limit_files(log_bytes() + 100);
    for (int i = 0; i < 3; ++i) {
      const auto refused = named(11, 10 + static_cast<std::size_t>(i), "a name that nobody may ever read ");
      EXPECT_FALSE(sink().commit({&refused, 1}));
    }
    unlimit_files();
    store(named(11, 10, "kept"));
    store(named(21, 10, "kept"));
    expect_rows(30);
    open();
    expect_rows(30);
  });
}

TEST_F(FullDiskTest, PresenceStoredAfterAFailedCommitReadsAsItWasGiven) {
  in_child([this] {
    RackPresence presence{machine_, "edge", "0.1.0", {3}, clock_.now(), clock_.now(), R"({"lanes":{}})"};
    ASSERT_TRUE(sink().remember(presence));
    limit_files(log_bytes() + 10);
    for (int i = 0; i < 50; ++i) EXPECT_FALSE(sink().remember(presence));
    unlimit_files();
    presence.version = "0.1.1";
    ASSERT_TRUE(sink().remember(presence));
    const auto racks = select("SELECT rack, version, status FROM racks");
    ASSERT_EQ(racks.rows.size(), 1U);
    EXPECT_EQ(racks.rows[0][0], "edge");
    EXPECT_EQ(racks.rows[0][1], "0.1.1");
    EXPECT_EQ(racks.rows[0][2], R"({"lanes":{}})");
  });
}

// A checkpoint rewrites what earlier commits stored, and those have their receipts: the racks keep it no
// longer.
TEST_F(FullDiskTest, AFailedCheckpointLosesNothingThatWasCommitted) {
  options_.checkpoint_bytes = 256U << 10;
  in_child([this] {
    std::uint64_t stored = 0;
    const auto store_some = [&] {
      store(named(stored + 1, 100, "kept"));
      stored += 100;
      // A store that had to be closed is open again.
      EXPECT_TRUE(sink().maintain(clock_.now()));
    };
    while (log_bytes() < options_.checkpoint_bytes / 2) store_some();
    limit_files(options_.checkpoint_bytes * 3);  // enough for the log, not for the tables
    while (log_bytes() < options_.checkpoint_bytes * 2) {
      clock_.advance(61 * kNanosPerSecond);  // it is tried again
      store_some();
      expect_rows(stored);
      if (HasFailure()) return;
    }
    unlimit_files();
    clock_.advance(61 * kNanosPerSecond);
    store_some();
    EXPECT_EQ(log_bytes(), 0U) << "the checkpoint succeeds again";
    expect_rows(stored);
    open();
    expect_rows(stored);
  });
}

// Also with files that move their rows to Parquet, which remakes views.
TEST_F(FullDiskTest, AStartThatChangesNothingNeedsNoRoom) {
  in_child([this] {
    store(named(1, 10, "kept"));
    clock_.advance(4 * kHour);
    maintain_fully();
    store(named(11, 10, "kept"));
    EXPECT_EQ(cell("SELECT count(*) > 0 FROM parquet_files"), "true");
    limit_files(0);
    open();
    ASSERT_FALSE(HasFailure());
    expect_rows(20);
    EXPECT_EQ(cell("SELECT count(*) FROM spans"), "20");
    const auto refused = named(21, 10, "kept");
    EXPECT_FALSE(sink().commit({&refused, 1}));
    EXPECT_TRUE(sink().maintain(clock_.now())) << "it is opened again";
    expect_rows(20);
  });
}

// As many records as ingest takes in one batch, in as many bytes (IngestLimits), all of it text that is
// stored twice: as rows and as blocks.
TEST_F(FullDiskTest, TheLargestBatchFitsIntoTheRoomThatIsTakenForIt) {
  open();
  constexpr std::size_t kBlocks = 20;
  constexpr std::size_t kRecords = 1'000;
  constexpr std::size_t kBytes = (8U << 20) / kBlocks;
  std::vector<IncomingBlock> batch;
  const Bytes bytes(kBytes, 0xa5);
  for (std::size_t i = 0; i < kBlocks; ++i) {
    auto one = named(1 + i * kRecords, kRecords, "kept");
    for (auto& record : one.records) {
      auto& attributes = std::get<model::Transaction>(record).attributes;
      for (int k = 0; k < 8; ++k)
        attributes.push_back({"key." + std::to_string(k), std::string(kBytes / kRecords / 8 - 5, 'v')});
    }
    one.bytes = bytes;
    batch.push_back(std::move(one));
  }
  const auto before = log_bytes();
  ASSERT_TRUE(sink().commit(batch));
  EXPECT_LT(log_bytes() - before, options_.log_room_bytes);
  RecordProperty("log_bytes", std::to_string(log_bytes() - before));
}

TEST_F(FullDiskTest, RefusesBeforeTheLastRoomIsGoneAndStaysOpen) {
  open();
  store(named(1, 10, "kept"));
  options_.log_room_bytes = 1ULL << 60;  // more than any disk has
  open();
  const auto refused = named(11, 10, "kept");
  const auto answer = sink().commit({&refused, 1});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kFull);
  EXPECT_FALSE(sink().remember({machine_, "edge", "0.1.0", {3}, clock_.now(), clock_.now(), "{}"}));
  clock_.advance(4 * kHour);
  maintain_fully();
  expect_rows(10);
  EXPECT_EQ(cell("SELECT count(*) FROM parquet_files"), "0") << "nothing moves while there is no room";
}

}  // namespace
}  // namespace fluxrig::sink
