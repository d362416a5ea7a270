#include "mixer/metric_board.hpp"

#include <gtest/gtest.h>

namespace fluxrig::mixer {
namespace {

constexpr std::int64_t kSecond = kNanosPerSecond;

struct MetricBoardTest : testing::Test {
  MetricBoard board;

  void take(std::string name, std::int64_t time, double value, std::string rack = "edge",
            std::int64_t arrived = 100) {
    model::MetricPoint point;
    point.name = std::move(name);
    point.start = {kSecond};
    point.time = {time * kSecond};
    point.data = model::Sum{value, true};
    std::vector<FreshBlock> blocks(1);
    blocks[0].block.rack = std::move(rack);
    blocks[0].block.records = {model::Log{}, point};
    blocks[0].fresh = {{0, 2}};
    board.take(blocks, {arrived * kSecond});
  }
  [[nodiscard]] std::vector<double> values(std::int64_t now = 100) const {
    std::vector<double> out;
    for (const auto& one : board.shown({now * kSecond}))
      out.push_back(std::get<model::Sum>(one.point.data).value);
    return out;
  }
};

TEST_F(MetricBoardTest, ShowsTheLatestPointOfEachSeries) {
  take("b", 10, 1);
  take("a", 10, 2);
  take("a", 20, 3);
  take("a", 20, 9, "host");
  EXPECT_EQ(values(), (std::vector<double>{3, 9, 1})) << "by name, then by rack";
}

TEST_F(MetricBoardTest, APointOutOfABacklogDoesNotReplaceANewerOne) {
  take("a", 20, 3);
  take("a", 10, 2);
  EXPECT_EQ(values(), (std::vector<double>{3}));
}

TEST_F(MetricBoardTest, OnlyNewRecordsCount) {
  take("a", 20, 3);
  std::vector<FreshBlock> blocks(1);
  model::MetricPoint point;
  point.name = "z";
  blocks[0].block.records = {point};
  board.take(blocks, {100 * kSecond});
  EXPECT_EQ(values().size(), 1U);
}

TEST_F(MetricBoardTest, WhatIsNotHeardOfAnyMoreIsNotShown) {
  take("a", 20, 3, "edge", 100);
  take("b", 20, 4, "edge", 200);
  EXPECT_EQ(values(401).size(), 1U);
  EXPECT_EQ(values(400).size(), 2U);
}

TEST_F(MetricBoardTest, ABoundIsKeptAndStaleSeriesMakeRoom) {
  for (std::size_t i = 0; i < MetricBoard::kMostSeries; ++i) take("m" + std::to_string(i), 20, 1);
  take("one more", 20, 1);
  EXPECT_EQ(board.left_out(), 1U);
  EXPECT_EQ(values().size(), MetricBoard::kMostSeries);
  take("one more", 20, 1, "edge", 500);
  EXPECT_EQ(board.left_out(), 1U);
  EXPECT_EQ(values(500).size(), 1U);
}

}  // namespace
}  // namespace fluxrig::mixer
