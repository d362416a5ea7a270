#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>

#include "sink/store_fixture.hpp"

namespace fluxrig::sink {
namespace {

using StoreFaultTest = StoreTest;

// A file that may not grow fails as a full disk does, and DuckDB then gives the whole database up.
TEST_F(StoreFaultTest, WorksAgainAfterWritesFailed) {
  const auto child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    auto opened = DuckDbStore::open(options_, clock_, diagnostics_);
    if (!opened) _exit(1);
    auto& target = (*opened)->sink();
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    const auto unlimited = limit.rlim_cur;
    limit.rlim_cur = 2U << 20;
    setrlimit(RLIMIT_FSIZE, &limit);
    std::uint64_t stored = 0;
    bool failed = false;
    for (int batch = 0; batch < 200 && !failed; ++batch) {
      const auto incoming = transactions(stored + 1, 1'000);
      failed = !target.commit({&incoming, 1});
      if (!failed) stored += 1'000;
    }
    if (!failed || stored == 0) _exit(2);
    limit.rlim_cur = unlimited;
    setrlimit(RLIMIT_FSIZE, &limit);
    // The same batch again, as ingest would: it may have been written before the failure was noticed, never
    // half.
    const auto incoming = transactions(stored + 1, 1'000);
    const auto again = target.commit({&incoming, 1});
    if (!again) _exit(3);
    if (again->rows + again->duplicates != 1'000 || (again->rows != 0 && again->duplicates != 0)) _exit(4);
    const auto count =
        (*opened)->queries().select("SELECT count(*), count(DISTINCT seq) FROM transactions", {}, {});
    if (!count) _exit(5);
    const auto expected = std::to_string(stored + 1'000);
    _exit(count->rows[0][0] == expected && count->rows[0][1] == expected ? 0 : 6);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(StoreFaultTest, ACommittedBatchSurvivesKillNine) {
  for (std::uint64_t round = 1; round <= 10; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const auto child = fork();
    if (child == 0) {
      // The child tells each committed sequence and is killed while it goes on.
      auto opened = DuckDbStore::open(options_, clock_, diagnostics_);
      if (!opened) _exit(1);
      for (std::uint64_t first = 1 + (round - 1) * 1'000'000;; first += 50) {
        const auto incoming = transactions(first, 50);
        if (!(*opened)->sink().commit({&incoming, 1})) _exit(2);
        const std::uint64_t last = first + 49;
        if (write(pipe_ends[1], &last, sizeof last) != sizeof last) _exit(3);
      }
    }
    close(pipe_ends[1]);
    std::uint64_t told = 0;
    std::uint64_t last = 0;
    const auto enough = 5 + random_.below(20);
    for (std::uint64_t i = 0; i < enough && read(pipe_ends[0], &last, sizeof last) == sizeof last; ++i)
      told = last;
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself with " << WEXITSTATUS(status);
    while (read(pipe_ends[0], &last, sizeof last) == sizeof last) told = last;
    close(pipe_ends[0]);
    open();
    const auto base = (round - 1) * 1'000'000;
    const auto stored = std::stoull(
        cell("SELECT count(*) FROM transactions WHERE seq > $1::UBIGINT", {std::to_string(base)}));
    EXPECT_GE(base + stored, told);
    EXPECT_EQ(stored % 50, 0U) << "half a batch is stored";
    EXPECT_EQ(cell("SELECT coalesce(max(last_seq), 0) FROM ledger"), std::to_string(base + stored));
    store_.reset();
  }
}

TEST_F(StoreFaultTest, NamesTheProcessThatHoldsTheFile) {
  open();
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const auto child = fork();
  if (child == 0) {
    auto opened = DuckDbStore::open(options_, clock_, diagnostics_);
    const std::string message = opened ? "opened" : opened.error().message;
    _exit(write(ready[1], message.data(), message.size()) > 0 ? 0 : 1);
  }
  close(ready[1]);
  std::string message(4096, '\0');
  const auto length = read(ready[0], message.data(), message.size());
  message.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  close(ready[0]);
  waitpid(child, nullptr, 0);
  EXPECT_NE(message.find("is in use by another process (pid " + std::to_string(getpid()) + ")"),
            std::string::npos)
      << message;
}

TEST_F(StoreFaultTest, SaysHowToMoveADamagedFileAside) {
  std::ofstream(options_.directory / "store.duckdb") << std::string(20'000, 'x');
  const auto opened = DuckDbStore::open(options_, clock_, diagnostics_);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("move it"), std::string::npos) << opened.error().message;
  EXPECT_NE(opened.error().message.find("Parquet history"), std::string::npos);
}

TEST_F(StoreFaultTest, SaysWhichDirectoryCannotBeUsed) {
  auto wrong = options_;
  wrong.directory = options_.directory / "missing" / "deeper";
  const auto missing = DuckDbStore::open(wrong, clock_, diagnostics_);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find(wrong.directory.string()), std::string::npos);
  wrong.directory = options_.directory / "a*b";
  EXPECT_FALSE(DuckDbStore::open(wrong, clock_, diagnostics_));
  std::ofstream(options_.directory / "file") << "x";
  wrong.directory = options_.directory / "file";
  const auto file = DuckDbStore::open(wrong, clock_, diagnostics_);
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message.find("set another one"), std::string::npos) << file.error().message;
}

}  // namespace
}  // namespace fluxrig::sink
