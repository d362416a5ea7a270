#include "base/diagnostics.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/test_gate.hpp"

namespace fluxrig {
namespace {

// Reads all that was written into a pipe so far.
class DiagnosticsTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::pipe(pipe_), 0); }
  void TearDown() override {
    ::close(pipe_[0]);
    if (pipe_[1] >= 0) ::close(pipe_[1]);
  }
  std::string written() {
    ::close(pipe_[1]);
    pipe_[1] = -1;
    std::string all;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(pipe_[0], buffer, sizeof buffer)) > 0;)
      all.append(buffer, static_cast<std::size_t>(n));
    return all;
  }
  int pipe_[2] = {-1, -1};
  ManualClock clock_;
};

TEST_F(DiagnosticsTest, TextLineCannotBeForgedByAHostileValue) {
  Diagnostics diagnostics(clock_, pipe_[1], DiagnosticFormat::kText, Severity::kInfo, pass_unsearched);
  diagnostics.warn("wal", "odd\nname", {{"file", "a\nb\x1b[31m"}});
  EXPECT_EQ(written(),
            "2023-11-14T22:13:20.000000000Z warn  wal: odd\\u000aname file=a\\u000ab\\u001b[31m\n");
}

TEST_F(DiagnosticsTest, JsonReplacesBytesThatAreNotUtf8) {
  Diagnostics diagnostics(clock_, pipe_[1], DiagnosticFormat::kJson, Severity::kInfo, pass_unsearched);
  diagnostics.error("snake", "said \"no\" \xff", {});
  EXPECT_EQ(written(),
            "{\"time\":\"2023-11-14T22:13:20.000000000Z\",\"severity\":\"error\",\"area\":\"snake\","
            "\"message\":\"said \\\"no\\\" \\ufffd\"}\n");
}

TEST_F(DiagnosticsTest, EveryTextOfALinePassesTheGate) {
  const TextGate gate = [](std::string_view text) { return std::string(text.size(), '*'); };
  Diagnostics text(clock_, pipe_[1], DiagnosticFormat::kText, Severity::kInfo, gate);
  text.warn("area", "message", {{"key", "value"}});
  Diagnostics json(clock_, pipe_[1], DiagnosticFormat::kJson, Severity::kInfo, gate);
  json.warn("area", "message", {{"key", "value"}});
  EXPECT_EQ(written(),
            "2023-11-14T22:13:20.000000000Z warn  ****: ******* ***=*****\n"
            "{\"time\":\"2023-11-14T22:13:20.000000000Z\",\"severity\":\"warn\",\"area\":\"****\","
            "\"message\":\"*******\",\"***\":\"*****\"}\n");
}

TEST_F(DiagnosticsTest, CountsTheLinesItLeavesOut) {
  Diagnostics diagnostics(clock_, pipe_[1], DiagnosticFormat::kText, Severity::kInfo, pass_unsearched);
  for (std::uint32_t i = 0; i < Diagnostics::kLinesPerSecond + 7; ++i) diagnostics.info("x", "y");
  clock_.advance(2 * kNanosPerSecond);
  diagnostics.info("x", "last");
  EXPECT_NE(written().find("last (7 lines left out)"), std::string::npos);
}

TEST_F(DiagnosticsTest, LinesUnderTheLeastSeverityAreNotWritten) {
  Diagnostics diagnostics(clock_, pipe_[1], DiagnosticFormat::kText, Severity::kWarn, pass_unsearched);
  diagnostics.info("x", "y");
  EXPECT_EQ(written(), "");
}

}  // namespace
}  // namespace fluxrig
