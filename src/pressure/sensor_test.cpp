#include "pressure/sensor.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace fluxrig::pressure {
namespace {

constexpr std::int64_t kSecond = kNanosPerSecond;

MixerFigures calm() { return {0.0, 0.1, 0.0, 0.01, 0.1, 0.1, 0.1}; }

class SensorTest : public testing::Test {
 protected:
  Sensor::Reading look(const MixerFigures& figures, std::int64_t after = kSecond) {
    now_.value += after;
    return sensor_.look(figures, now_);
  }
  MonotonicNanos now_;
  Sensor sensor_{{}};
};

TEST_F(SensorTest, IsCalmWhenNothingIsWrong) { EXPECT_EQ(look(calm()), Sensor::Reading{}); }

TEST_F(SensorTest, EachFigureRaisesTheLevelAndIsTheCause) {
  struct Case {
    std::optional<double> MixerFigures::*figure;
    PressureCause cause;
    std::array<double, 3> values;  // for the levels 1 to 3
  };
  const Case cases[] = {
      {&MixerFigures::sink_failing_seconds, PressureCause::kSinkErrors, {0.1, 2, 30}},
      {&MixerFigures::commit_over_target, PressureCause::kCommitLatency, {1, 4, 16}},
      {&MixerFigures::stream_fill, PressureCause::kStreamFill, {0.5, 0.75, 0.9}},
      {&MixerFigures::disk_scarcity, PressureCause::kDisk, {1, 2, 4}},
      {&MixerFigures::memory_scarcity, PressureCause::kMemory, {1, 2, 4}},
  };
  for (const auto& one : cases) {
    for (std::uint8_t level = 1; level <= 3; ++level) {
      Sensor sensor({});
      auto figures = calm();
      figures.*one.figure = one.values[level - 1];
      const auto reading = sensor.look(figures, {kSecond});
      EXPECT_EQ(reading.level, level) << name_of(one.cause);
      EXPECT_EQ(reading.cause, one.cause);
      EXPECT_EQ(reading.figure, one.values[level - 1]);
    }
  }
}

TEST_F(SensorTest, AQueueAloneNeverPutsTheMixerInDanger) {
  auto figures = calm();
  figures.queue_seconds = 1e9;
  const auto reading = look(figures);
  EXPECT_EQ(reading.level, 2);
  EXPECT_EQ(reading.cause, PressureCause::kQueueDepth);
}

TEST_F(SensorTest, AnExportNeverAsksForMoreThanLess) {
  auto figures = calm();
  figures.export_saturation = 1;
  const auto reading = look(figures);
  EXPECT_EQ(reading.level, 1);
  EXPECT_EQ(reading.cause, PressureCause::kExport);
  EXPECT_EQ(reading.figure, 1);
}

TEST_F(SensorTest, TheWorstFigureRules) {
  auto figures = calm();
  figures.commit_over_target = 1.5;
  figures.stream_fill = 0.8;
  const auto reading = look(figures);
  EXPECT_EQ(reading.level, 2);
  EXPECT_EQ(reading.cause, PressureCause::kStreamFill);
}

TEST_F(SensorTest, RisesAtOnceAndFallsOneLevelADwell) {
  auto figures = calm();
  figures.sink_failing_seconds = 31;
  EXPECT_EQ(look(figures).level, 3);
  EXPECT_EQ(look(calm()).level, 3);  // the dwell begins
  EXPECT_EQ(look(calm(), 4 * kSecond).level, 3);
  const auto held = look(calm());
  EXPECT_EQ(held.level, 2);
  EXPECT_EQ(held.cause, PressureCause::kSinkErrors);  // what raised it
  EXPECT_EQ(look(calm(), 5 * kSecond).level, 1);
  EXPECT_EQ(look(calm(), 5 * kSecond), Sensor::Reading{});
  EXPECT_EQ(sensor_.changes(), 4U);
}

TEST_F(SensorTest, AFigureAroundItsThresholdDoesNotFlap) {
  auto figures = calm();
  for (int i = 0; i < 100; ++i) {
    figures.stream_fill = i % 2 == 0 ? 0.51 : 0.45;  // above, and not below 0.8 of it
    (void)look(figures);
  }
  EXPECT_EQ(sensor_.changes(), 1U);
  EXPECT_EQ(sensor_.reading().level, 1);
}

TEST_F(SensorTest, AFigureThatComesBackBeginsTheDwellAnew) {
  auto figures = calm();
  figures.stream_fill = 0.6;
  (void)look(figures);
  (void)look(calm());
  (void)look(figures, 4 * kSecond);
  (void)look(calm(), 2 * kSecond);
  EXPECT_EQ(look(calm(), 4 * kSecond).level, 1);
  EXPECT_EQ(look(calm(), 2 * kSecond).level, 0);
}

TEST_F(SensorTest, WhatIsNotKnownKeepsItsLevel) {
  auto figures = calm();
  figures.stream_fill = 0.8;
  (void)look(figures);
  figures.stream_fill = std::nullopt;
  for (int i = 0; i < 60; ++i) (void)look(figures);
  EXPECT_EQ(sensor_.reading().level, 2);
}

TEST_F(SensorTest, TheCauseStaysWhileAnotherFigureIsAsBad) {
  auto figures = calm();
  figures.stream_fill = 0.8;
  (void)look(figures);
  figures.sink_failing_seconds = 3;
  EXPECT_EQ(look(figures).cause, PressureCause::kStreamFill);
  figures.stream_fill = 0.1;
  EXPECT_EQ(look(figures).cause, PressureCause::kSinkErrors);
}

TEST_F(SensorTest, NeverFallsFasterThanItsDwellNorStandsBelowAFigure) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SeededRandom random(seed);
    Sensor sensor({});
    MonotonicNanos now;
    MonotonicNanos fell{-100 * kSecond};
    std::uint8_t before = 0;
    for (int step = 0; step < 500; ++step) {
      now.value += static_cast<std::int64_t>(random.below(3 * kSecond));
      auto figures = calm();
      if (random.below(3) == 0) figures.stream_fill = static_cast<double>(random.below(100)) / 100;
      if (random.below(5) == 0) figures.sink_failing_seconds = static_cast<double>(random.below(40));
      const auto reading = sensor.look(figures, now);
      const std::uint8_t least = *figures.stream_fill >= 0.9 || *figures.sink_failing_seconds >= 30   ? 3
                                 : *figures.stream_fill >= 0.75 || *figures.sink_failing_seconds >= 2 ? 2
                                 : *figures.stream_fill >= 0.5 || *figures.sink_failing_seconds > 0   ? 1
                                                                                                      : 0;
      ASSERT_GE(reading.level, least) << "seed " << seed << ", step " << step;
      ASSERT_EQ(reading.level == 0, reading.cause == PressureCause::kNone) << "seed " << seed;
      if (reading.level < before) {
        ASSERT_EQ(reading.level + 1, before) << "seed " << seed << ", step " << step;
        ASSERT_GE(now.value - fell.value, 5 * kSecond) << "seed " << seed << ", step " << step;
        fell = now;
      }
      before = reading.level;
    }
  }
}

TEST(Scarcity, IsOneWhenOnlyAsMuchIsFreeAsShouldBe) {
  constexpr std::uint64_t kGiB = 1ULL << 30;
  EXPECT_EQ(scarcity(4 * kGiB, 1000 * kGiB, 4 * kGiB), 1);
  EXPECT_EQ(scarcity(1 * kGiB, 1000 * kGiB, 4 * kGiB), 4);
  EXPECT_EQ(scarcity(1 * kGiB, 10 * kGiB, 4 * kGiB), 1);  // a tenth of a small disk is enough
  EXPECT_GT(scarcity(0, 10 * kGiB, 4 * kGiB), 1e6);
}

}  // namespace
}  // namespace fluxrig::pressure
