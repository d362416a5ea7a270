#include "base/byte_size.hpp"

#include <gtest/gtest.h>

namespace fluxrig {
namespace {

TEST(ByteSize, WhatIsNoSizeOrOverflowsIsRefused) {
  EXPECT_FALSE(parse_byte_size("99999999999999999TiB"));
  EXPECT_FALSE(parse_byte_size("-1"));
  EXPECT_FALSE(parse_byte_size("12 parsecs"));
}

TEST(ByteSize, UnitsAreDecimalOrBinary) {
  EXPECT_EQ(parse_byte_size("1048576").value_or(0), 1U << 20);
  EXPECT_EQ(parse_byte_size("2GB").value_or(0), 2'000'000'000U);
  EXPECT_EQ(parse_byte_size("512MiB").value_or(0), 512ULL << 20);
}

}  // namespace
}  // namespace fluxrig
