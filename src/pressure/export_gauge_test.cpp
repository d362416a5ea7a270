#include "pressure/export_gauge.hpp"

#include <gtest/gtest.h>

namespace fluxrig::pressure {
namespace {

MonotonicNanos at(double seconds) { return {static_cast<std::int64_t>(seconds * 1e9)}; }

TEST(ExportGauge, ABackEndThatIsSlowAsksForLess) {
  ExportGauge gauge;
  EXPECT_EQ(gauge.look(0.9, 10, at(1)), 0.9);
  EXPECT_EQ(gauge.look(0.95, 20, at(2)), 0.95);
}

TEST(ExportGauge, ABackEndThatHasNeverTakenAnythingDoesNot) {
  ExportGauge gauge;
  EXPECT_EQ(gauge.look(1, 0, at(1)), 0);
}

TEST(ExportGauge, ABackEndThatDiesStopsAsking) {
  ExportGauge gauge;
  EXPECT_EQ(gauge.look(0.9, 10, at(1)), 0.9);
  EXPECT_EQ(gauge.look(1, 10, at(31)), 1);
  EXPECT_EQ(gauge.look(1, 10, at(31.1)), 0);
  EXPECT_EQ(gauge.look(1, 11, at(32)), 1);
}

TEST(ExportGauge, WhatIsNotHelpedInTimeStopsAskingUntilItIsRelieved) {
  ExportGauge gauge;
  std::uint64_t taken = 0;
  for (int second = 0; second <= 120; ++second) EXPECT_EQ(gauge.look(0.9, ++taken, at(second)), 0.9);
  EXPECT_EQ(gauge.look(0.9, ++taken, at(121)), 0);
  EXPECT_EQ(gauge.look(0.6, ++taken, at(130)), 0);  // on its way down, not relieved yet
  EXPECT_EQ(gauge.look(0.9, ++taken, at(140)), 0);
  EXPECT_EQ(gauge.look(0.4, ++taken, at(150)), 0.4);
  EXPECT_EQ(gauge.look(0.9, ++taken, at(160)), 0.9);
}

}  // namespace
}  // namespace fluxrig::pressure
