#include <algorithm>
#include <fstream>
#include <thread>

#include "sink/duckdb/parquet_part.hpp"
#include "sink/store_fixture.hpp"

namespace fluxrig::sink {
namespace {

namespace fs = std::filesystem;

class ArchiveTest : public StoreTest {
 protected:
  ArchiveTest() {
    options_.fail_point = [this](std::string_view step) { return step == failing_; };
  }
  [[nodiscard]] std::vector<std::string> files(std::string_view signal = "") const {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(options_.directory / "parquet"))
      if (entry.is_regular_file() && entry.path().string().find(signal) != std::string::npos)
        found.push_back(entry.path().string());
    std::sort(found.begin(), found.end());
    return found;
  }
  // One record of each kind, `first` being its sequence in both lanes.
  void store_each_kind(std::uint64_t first) {
    const auto one = transaction(clock_.now());
    store(block(first, {one}));
    const model::Span span{.flux_id = one.flux_id,
                           .trace_id = one.trace_id,
                           .span_id = make_span_id(random_),
                           .parent_span_id = one.span_id,
                           .gear = "bank",
                           .name = "0200",
                           .start = one.start,
                           .end = one.end,
                           .status_message = "",
                           .attributes = {{"a", std::string("b")}}};
    const model::MetricPoint point{.name = "m",
                                   .unit = "s",
                                   .gear = "bank",
                                   .start = one.start,
                                   .time = one.end,
                                   .attributes = {},
                                   .data = model::ExponentialHistogram{.scale = 3,
                                                                       .count = 2,
                                                                       .sum = 1,
                                                                       .min = 0,
                                                                       .max = 1,
                                                                       .zero_count = 0,
                                                                       .offset = -1,
                                                                       .buckets = {1, 1},
                                                                       .exemplars = {}}};
    const model::Log log{.time = one.start,
                         .severity = 9,
                         .event_name = "e",
                         .body = "b",
                         .gear = "bank",
                         .flux_id = one.flux_id,
                         .trace_id = one.trace_id,
                         .span_id = one.span_id,
                         .attributes = {}};
    store(block(first * 3, {span, point, log}, model::Lane::kTelemetry));
  }
  // Everything that SQL sees, as text.
  [[nodiscard]] std::string content() {
    std::string text;
    for (const char* view : {"transactions", "spans", "metrics", "logs"}) {
      const auto table = select(std::string("SELECT * FROM ") + view + " ORDER BY ALL");
      for (const auto& column : table.columns) text += column.name + ' ' + column.type + '\n';
      for (const auto& row : table.rows) {
        for (const auto& value : row) text += value.value_or("NULL") + '|';
        text += '\n';
      }
    }
    return text;
  }

  std::string failing_;
};

TEST_F(ArchiveTest, MovesClosedHoursToParquetAndTheViewsShowTheSame) {
  open();
  for (std::uint64_t i = 1; i <= 6; ++i) {
    store_each_kind(i);
    clock_.advance(kHour / 2);
  }
  const auto before = content();
  clock_.advance(kHour);
  maintain_fully();
  EXPECT_GE(files("signal=transactions/date=2026-11-18/hour=11/part-").size(), 1U);
  EXPECT_GE(files("signal=child_spans").size(), 1U);
  EXPECT_GE(files("signal=metrics").size(), 1U);
  EXPECT_GE(files("signal=log_records").size(), 1U);
  EXPECT_NE(cell("SELECT count(*) FROM hot_transactions"), "0");
  EXPECT_NE(cell("SELECT count(*) FROM hot_transactions"), "6");
  EXPECT_EQ(content(), before);
  clock_.advance(10 * kHour);
  maintain_fully();
  EXPECT_EQ(cell("SELECT count(*) FROM hot_transactions"), "0");
  EXPECT_EQ(content(), before);
  open();
  EXPECT_EQ(content(), before);
  EXPECT_EQ(cell("SELECT count(*) FROM transactions WHERE date = '2026-11-18' AND hour = 12"), "2");
}

TEST_F(ArchiveTest, SplitsAnHourIntoBoundedParts) {
  options_.part_rows = 1'000;
  open();
  store(transactions(1, 2'500));
  clock_.advance(4 * kHour);
  maintain_fully();
  EXPECT_EQ(files("signal=transactions").size(), 3U);
  EXPECT_EQ(cell("SELECT count(DISTINCT seq) FROM transactions"), "2500");
  EXPECT_EQ(cell("SELECT max(row_count) FROM parquet_files"), "1000");
}

TEST_F(ArchiveTest, ACrashBetweenTwoStepsNeitherLosesNorDoublesRows) {
  open();
  for (const char* step : {"part.copied", "part.renamed", "part.listed", "part.committed"}) {
    store_each_kind(clock_.now().value / kHour);
    const auto before = content();
    clock_.advance(10 * kHour);
    failing_ = step;
    EXPECT_FALSE(sink().maintain(clock_.now())) << step;
    EXPECT_EQ(content(), before) << step;
    failing_.clear();
    open();  // as after a crash: what is not listed goes
    EXPECT_EQ(content(), before) << step;
    EXPECT_EQ(std::to_string(files().size()), cell("SELECT count(*) FROM parquet_files")) << step;
    maintain_fully();
    EXPECT_EQ(content(), before) << step;
  }
}

TEST_F(ArchiveTest, MergesTheSmallPartsOfAnHour) {
  open();
  const auto hour = clock_.now();
  for (std::uint64_t part = 0; part < 5; ++part) {
    auto late = transactions(1 + part * 10, 10);
    for (auto& record : late.records) std::get<model::Transaction>(record).start = hour;
    store(late);
    clock_.advance(4 * kHour);
    if (part == 4) break;
    maintain_fully();
    EXPECT_EQ(files("signal=transactions").size(), part + 1);
  }
  const auto before = content();
  ASSERT_TRUE(sink().maintain(clock_.now()));  // the fifth part
  // A crash in the middle of the merge first.
  for (const char* step : {"part.renamed", "part.listed"}) {
    failing_ = step;
    EXPECT_FALSE(sink().maintain(clock_.now())) << step;
    failing_.clear();
    open();
    EXPECT_EQ(content(), before) << step;
    EXPECT_EQ(files("signal=transactions").size(), 5U);
  }
  maintain_fully();
  EXPECT_EQ(files("signal=transactions").size(), 1U);
  EXPECT_EQ(content(), before);
  EXPECT_EQ(cell("SELECT row_count FROM parquet_files"), "50");
}

TEST_F(ArchiveTest, KeepsAReplacedFileWhileASelectMayReadIt) {
  options_.retired_file_grace_ms = 60'000;
  options_.retention_days = 1;
  open();
  store(transactions(1, 10));
  clock_.advance(4 * kHour);
  maintain_fully();
  ASSERT_EQ(files().size(), 1U);
  clock_.advance(3 * 24 * kHour);
  maintain_fully();
  EXPECT_EQ(cell("SELECT count(*) FROM transactions"), "0");
  EXPECT_EQ(files().size(), 1U);
  clock_.advance(61 * kNanosPerSecond);
  maintain_fully();
  EXPECT_TRUE(files().empty());
}

TEST_F(ArchiveTest, DropsDaysOlderThanTheRetention) {
  options_.retention_days = 3;
  open();
  for (std::uint64_t day = 0; day < 6; ++day) {
    store_each_kind(day + 1);
    clock_.advance(24 * kHour);
    maintain_fully();
  }
  EXPECT_EQ(cell("SELECT count(DISTINCT date) FROM transactions"), "3");
  EXPECT_EQ(cell("SELECT count(*) FROM spans"), "6");
  EXPECT_FALSE(fs::exists(options_.directory / "parquet/signal=transactions/date=2026-11-18"));
  EXPECT_EQ(std::to_string(files().size()), cell("SELECT count(*) FROM parquet_files"));
  // What is stored no longer is still known: a block that comes again is a duplicate.
  EXPECT_EQ(store(transactions(1, 1)).duplicates, 1U);
}

TEST_F(ArchiveTest, ANewDatabaseTakesOverTheHistoryBesideIt) {
  open();
  for (std::uint64_t i = 1; i <= 3; ++i) store_each_kind(i);
  const auto before = content();
  clock_.advance(4 * kHour);
  maintain_fully();
  ASSERT_EQ(cell("SELECT count(*) FROM hot_transactions"), "0");
  store_.reset();
  fs::rename(options_.directory / "store.duckdb", options_.directory / "store.duckdb.damaged");
  open();
  EXPECT_EQ(content(), before);
  EXPECT_EQ(store(transactions(1, 4)).duplicates, 3U);
  EXPECT_EQ(cell("SELECT count(*) FROM transactions"), "4");
}

TEST_F(ArchiveTest, AMissingFileIsReportedAndTheRestStaysReadable) {
  options_.part_rows = 10;
  open();
  store(transactions(1, 20));
  clock_.advance(4 * kHour);
  maintain_fully();
  ASSERT_EQ(files().size(), 2U);
  fs::remove(files()[0]);
  open();
  EXPECT_EQ(cell("SELECT count(*) FROM transactions"), "10");
}

TEST_F(ArchiveTest, ADamagedFileIsPutAsideAtTheStartAndTheRestStaysReadable) {
  options_.part_rows = 10;
  for (const std::size_t which : {1U, 0U}) {
    open();
    store(transactions(1 + 20 * which, 20));
    clock_.advance(4 * kHour);
    maintain_fully();
    const auto all = files();
    ASSERT_GE(all.size(), 2U);
    const auto rows = std::stoull(cell("SELECT count(*) FROM transactions"));
    store_.reset();
    const auto& file = all[which];
    fs::resize_file(file, fs::file_size(file) - 1);  // its end says what is in it
    open();
    EXPECT_EQ(std::stoull(cell("SELECT count(*) FROM transactions")), rows - 10);
    EXPECT_TRUE(fs::exists(file + ".damaged"));
  }
}

TEST_F(ArchiveTest, SelectsSeeEachRowOnceWhileHoursMove) {
  options_.part_rows = 20;
  options_.retired_file_grace_ms = 60'000;
  open();
  store(transactions(1, 1'000));
  clock_.advance(4 * kHour);
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::thread reader([&] {
    while (!stop) {
      const auto table = try_select("SELECT count(*), count(DISTINCT seq) FROM transactions");
      if (!table || table->rows[0][0] != "1000" || table->rows[0][1] != "1000") ++wrong;
    }
  });
  maintain_fully();
  stop = true;
  reader.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(files().size(), 50U);
}

TEST(ParquetPart, ReadsOnlyThePathsThatItWrites) {
  const auto path = part_path("metrics", 1'795'000'000LL / 3'600 * kMicrosPerHour, 7, 12);
  EXPECT_EQ(path, "signal=metrics/date=2026-11-18/hour=11/part-0000000007-12.parquet");
  const auto part = parse_part_path(path);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->id, 7U);
  EXPECT_EQ(part->rows, 12U);
  EXPECT_EQ(part->signal, "metrics");
  for (const char* other :
       {"", "signal=metrics", "signal=other/date=2026-11-18/hour=11/part-0000000007-12.parquet",
        "signal=metrics/date=2026-13-18/hour=11/part-0000000007-12.parquet",
        "signal=metrics/date=2026-02-30/hour=11/part-0000000007-12.parquet",
        "signal=metrics/date=2026-11-18/hour=24/part-0000000007-12.parquet",
        "signal=metrics/date=2026-11-18/hour=11/part-7-12.parquet",
        "signal=metrics/date=2026-11-18/hour=11/part-0000000007-12.parquet.tmp"})
    EXPECT_FALSE(parse_part_path(other)) << other;
}

}  // namespace
}  // namespace fluxrig::sink
