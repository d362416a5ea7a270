#include "rack/break_glass.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/test_gate.hpp"

namespace fluxrig::rack {
namespace {

constexpr std::int64_t kMinute = 60 * kNanosPerSecond;

class BreakGlassTest : public ::testing::Test {
 protected:
  BreakGlassTest() {
    char name[] = "/tmp/fluxrig-glass-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~BreakGlassTest() override { std::filesystem::remove_all(folder_); }
  BreakGlass make() {
    return BreakGlass({clock_, diagnostics_, folder_ + "/break-glass",
                       [this](model::Log log) { events_.push_back(log.event_name); }},
                      Severity::kInfo);
  }
  std::string folder_;
  ManualClock clock_;
  Diagnostics diagnostics_{clock_, -1, DiagnosticFormat::kText, Severity::kInfo, pass_unsearched};
  std::vector<std::string> events_;
};

TEST_F(BreakGlassTest, EndsByItselfWhenItsTimeIsOverAndRecordsBothEnds) {
  BreakGlass glass{make()};
  ASSERT_TRUE(glass.set(10 * 60'000));
  EXPECT_EQ(diagnostics_.least(), Severity::kDebug);
  ASSERT_TRUE(glass.until());
  EXPECT_EQ(glass.tick(), 10 * kMinute);
  clock_.advance(10 * kMinute - 1);
  EXPECT_EQ(glass.tick(), 1);
  EXPECT_EQ(diagnostics_.least(), Severity::kDebug);
  clock_.advance(1);
  EXPECT_FALSE(glass.tick());
  EXPECT_EQ(diagnostics_.least(), Severity::kInfo);
  EXPECT_FALSE(glass.until());
  EXPECT_EQ(events_, (std::vector<std::string>{"fluxrig.debug.begun", "fluxrig.debug.ended"}));
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(BreakGlassTest, ARestartGoesOnWithWhatIsLeftAndNoMore) {
  {
    BreakGlass glass{make()};
    ASSERT_TRUE(glass.set(10 * 60'000));
  }
  diagnostics_.set_least(Severity::kInfo);
  clock_.advance(4 * kMinute);
  BreakGlass again{make()};
  again.resume();
  EXPECT_EQ(diagnostics_.least(), Severity::kDebug);
  EXPECT_EQ(again.tick(), 6 * kMinute);
  clock_.advance(6 * kMinute);
  EXPECT_FALSE(again.tick());
  EXPECT_EQ(diagnostics_.least(), Severity::kInfo);
}

TEST_F(BreakGlassTest, ARestartAfterItsTimeDoesNotBeginItAgain) {
  {
    BreakGlass glass{make()};
    ASSERT_TRUE(glass.set(60'000));
  }
  diagnostics_.set_least(Severity::kInfo);
  clock_.advance(kMinute);
  BreakGlass again{make()};
  again.resume();
  EXPECT_EQ(diagnostics_.least(), Severity::kInfo);
  EXPECT_EQ(events_.back(), "fluxrig.debug.ended");
}

TEST_F(BreakGlassTest, AFileThatPromisesMoreThanAnHourOrCannotBeReadEndsIt) {
  const auto now = clock_.now().value;
  for (const auto& text :
       {fmt::format("{} {}\n", now, now + 61 * kMinute),
        fmt::format("{} {}\n", now + kMinute, now + 10 * kMinute), std::string("for ever\n")}) {
    std::ofstream(folder_ + "/break-glass") << text;
    BreakGlass glass{make()};
    glass.resume();
    EXPECT_FALSE(glass.until()) << text;
    EXPECT_EQ(diagnostics_.least(), Severity::kInfo) << text;
    EXPECT_TRUE(std::filesystem::is_empty(folder_)) << text;
  }
}

TEST_F(BreakGlassTest, IsNotBegunWhenItCouldNotBeRememberedOverARestart) {
  BreakGlass glass({clock_, diagnostics_, folder_ + "/missing/break-glass",
                    [this](model::Log log) { events_.push_back(log.event_name); }},
                   Severity::kInfo);
  EXPECT_FALSE(glass.set(60'000));
  EXPECT_EQ(diagnostics_.least(), Severity::kInfo);
  EXPECT_TRUE(events_.empty());
}

TEST_F(BreakGlassTest, AnOperatorEndsItAndTheScenariosLevelWaitsForItsEnd) {
  BreakGlass glass{make()};
  ASSERT_TRUE(glass.set(60'000));
  glass.set_usual(Severity::kWarn);
  EXPECT_EQ(diagnostics_.least(), Severity::kDebug);
  ASSERT_TRUE(glass.set(0));
  EXPECT_EQ(diagnostics_.least(), Severity::kWarn);
}

}  // namespace
}  // namespace fluxrig::rack
