// A changed Parquet file is found, named, kept, and not merged into another.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>

#include "sink/duckdb/database.hpp"
#include "sink/duckdb/part_alarms.hpp"
#include "sink/store_fixture.hpp"

namespace fluxrig::sink {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kOpenAlarms =
    "SELECT count(*) FROM audit_alarms WHERE machine_id IS NULL AND kind = 'alteration' AND resolved_at IS "
    "NULL";

class PartCheckTest : public StoreTest {
 protected:
  // `parts` files of one hour.
  void fill(std::uint64_t parts) {
    options_.part_rows = 10;
    open();
    store(transactions(1, 10 * parts));
    clock_.advance(4 * kHour);
    maintain_fully();
    files_.clear();
    for (const auto& row : select("SELECT path FROM parquet_files ORDER BY id").rows)
      files_.push_back(options_.directory / "parquet" / row[0].value_or(""));
    ASSERT_EQ(files_.size(), parts);
  }
  static void flip(const fs::path& file, std::streamoff at) {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekg(at);
    const auto byte = static_cast<char>(bytes.get() ^ 4);
    bytes.seekp(at);
    bytes.put(byte);
  }
  void a_day_passes() {
    for (int hour = 0; hour < 24; ++hour) {
      clock_.advance(kHour);
      maintain_fully();
    }
  }
  // The state of each file, asked in as many pages as it takes.
  std::vector<FileState> states() {
    std::vector<FileState> found;
    std::uint64_t after = 0;
    do {
      const auto page = store_->queries().check_files(after);
      EXPECT_TRUE(page) << page.error().message;
      if (!page) return found;
      for (const auto& file : page->files) found.push_back(file.state);
      EXPECT_TRUE(page->next == 0 || page->next > after);
      after = page->next;
    } while (after != 0);
    return found;
  }

  std::vector<fs::path> files_;
};

TEST_F(PartCheckTest, EveryFlippedBitOfAFileIsFoundOnDemand) {
  fill(2);
  EXPECT_EQ(states(), (std::vector{FileState::kGood, FileState::kGood}));
  const auto size = static_cast<std::streamoff>(fs::file_size(files_[1]));
  for (std::streamoff at = 0; at < size; at += size / 40) {
    flip(files_[1], at);
    EXPECT_EQ(states(), (std::vector{FileState::kGood, FileState::kAltered})) << at;
    flip(files_[1], at);
  }
  fs::remove(files_[0]);
  EXPECT_EQ(states(), (std::vector{FileState::kMissing, FileState::kGood}));
}

TEST_F(PartCheckTest, WithinADayAnAlarmNamesTheFileOnceAndTheFileStays) {
  fill(3);
  flip(files_[1], 200);
  EXPECT_EQ(cell(kOpenAlarms), "0");
  a_day_passes();
  EXPECT_EQ(cell(kOpenAlarms), "1");
  EXPECT_THAT(cell("SELECT what FROM audit_alarms"), HasSubstr(files_[1].filename().string()));
  EXPECT_EQ(sink().audit().open.size(), 1U);
  a_day_passes();
  EXPECT_EQ(cell(kOpenAlarms), "1");
  EXPECT_GE(std::stoi(cell("SELECT count FROM audit_alarms")), 2);
  EXPECT_TRUE(fs::exists(files_[1]));
  open();
  EXPECT_EQ(sink().audit().open.size(), 1U) << "the state is read back";
  flip(files_[1], 200);
  a_day_passes();
  EXPECT_EQ(cell(kOpenAlarms), "0") << "as it was written again";
  EXPECT_TRUE(sink().audit().open.empty());
}

TEST_F(PartCheckTest, EachFileIsCheckedWithinADayAndNoSoonerThanItIsDue) {
  fill(80);
  const auto first = cell("SELECT max(checked_at) FROM parquet_files");
  clock_.advance(kHour);
  maintain_fully();
  EXPECT_EQ(cell("SELECT max(checked_at) FROM parquet_files"), first);
  for (int minute = 0; minute < 24 * 60; minute += 20) {
    clock_.advance(kHour / 3);
    maintain_fully();
  }
  EXPECT_EQ(cell("SELECT count(*) FROM parquet_files WHERE checked_at <= '" + first + "'"), "0");
}

TEST_F(PartCheckTest, AStoreFromBeforeGetsItsHashes) {
  fill(2);
  store_.reset();
  {
    auto database = Database::open({.file = (options_.directory / "store.duckdb").string(),
                                    .readable_directory = options_.directory.string(),
                                    .memory_limit_bytes = 128ULL << 20,
                                    .threads = 1});
    ASSERT_TRUE(database);
    auto connection = database->connect();
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->run("ALTER TABLE parquet_files DROP COLUMN sha256"));
    ASSERT_TRUE(connection->run("ALTER TABLE parquet_files DROP COLUMN checked_at"));
  }
  open();
  EXPECT_EQ(states(), (std::vector{FileState::kUnhashed, FileState::kUnhashed}));
  clock_.advance(kHour);
  maintain_fully();
  EXPECT_EQ(states(), (std::vector{FileState::kGood, FileState::kGood}));
  open();
  flip(files_[0], 100);
  EXPECT_EQ(states(), (std::vector{FileState::kAltered, FileState::kGood}));
}

TEST_F(PartCheckTest, WhatWasAlteredIsNotMergedUnderANewHash) {
  options_.part_rows = 1'000;
  open();
  const auto hour = clock_.now();
  for (std::uint64_t part = 0; part < 5; ++part) {
    auto late = transactions(1 + part * 10, 10);
    for (auto& record : late.records) std::get<model::Transaction>(record).start = hour;
    store(late);
    clock_.advance(4 * kHour);
    if (part == 4) break;
    maintain_fully();
  }
  const auto altered = options_.directory / "parquet" / cell("SELECT path FROM parquet_files WHERE id = 2");
  flip(altered, 150);
  maintain_fully();
  EXPECT_EQ(cell(kOpenAlarms), "1");
  EXPECT_TRUE(fs::exists(altered));
  EXPECT_EQ(cell("SELECT sum(row_count) FROM parquet_files"), "50");
  const auto found = states();
  EXPECT_EQ(std::count(found.begin(), found.end(), FileState::kAltered), 1);
}

TEST_F(PartCheckTest, AFileThatTheStartMissesIsAnAlarmAsWell) {
  fill(2);
  store_.reset();
  fs::remove(files_[0]);
  open();
  EXPECT_EQ(cell(kOpenAlarms), "1");
  EXPECT_THAT(cell("SELECT what FROM audit_alarms"), HasSubstr("is missing"));
  open();
  EXPECT_EQ(cell("SELECT count FROM audit_alarms"), "1");
}

TEST(PartAlarms, AreBoundedAndCountOn) {
  AuditState state;
  std::vector<PartCheck> checks(200);
  for (std::size_t i = 0; i < checks.size(); ++i)
    checks[i] = {i, "part-" + std::to_string(i) + ".parquet", FileState::kAltered, {}};
  const auto changes = alarms_of(checks, state, UnixNanos{5});
  ASSERT_EQ(changes.alarms.size(), kMostOpenPartAlarms);
  EXPECT_EQ(changes.alarms.back().count, 200 - kMostOpenPartAlarms + 1);
  apply(changes, state);
  EXPECT_EQ(state.open.size(), kMostOpenPartAlarms);
  EXPECT_EQ(state.next_alarm, kMostOpenPartAlarms + 1);
  for (auto& check : checks) check.state = FileState::kGood;
  apply(alarms_of(checks, state, UnixNanos{6}), state);
  EXPECT_TRUE(state.open.empty());
}

}  // namespace
}  // namespace fluxrig::sink
