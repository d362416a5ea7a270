#include "base/nearest.hpp"

#include <gtest/gtest.h>

#include <array>

namespace fluxrig {
namespace {

constexpr std::array<std::string_view, 5> kFramings{"length2", "length4", "ascii4", "newline", "http_server"};

TEST(NearestName, FindsOneReplacedInsertedDeletedOrSwappedCharacter) {
  EXPECT_EQ(nearest_name("lenght2", kFramings), "length2");
  EXPECT_EQ(nearest_name("newlin", kFramings), "newline");
  EXPECT_EQ(nearest_name("newlline", kFramings), "newline");
  EXPECT_EQ(nearest_name("asci14", kFramings), "ascii4");
}

TEST(NearestName, IgnoresCase) { EXPECT_EQ(nearest_name("NEWLINE", kFramings), "newline"); }

TEST(NearestName, PrefersTheSmallerDistanceAndThenTheFirst) {
  EXPECT_EQ(nearest_name("length4", kFramings), "length4");
  EXPECT_EQ(nearest_name("length3", kFramings), "length2");
}

TEST(NearestName, AllowsAThirdOfTheLengthAtLeastOneAtMostThree) {
  constexpr std::array<std::string_view, 1> kOne{"abcdefghijkl"};
  EXPECT_EQ(nearest_name("xxxdefghijkl", kOne), "abcdefghijkl");
  EXPECT_EQ(nearest_name("xxxxefghijkl", kOne), "");
  constexpr std::array<std::string_view, 1> kShort{"tls"};
  EXPECT_EQ(nearest_name("tl", kShort), "tls");
  EXPECT_EQ(nearest_name("ts_", kShort), "");
}

TEST(NearestName, GivesNothingForEmptyOrHugeNamesAndWithoutCandidates) {
  EXPECT_EQ(nearest_name("", kFramings), "");
  EXPECT_EQ(nearest_name(std::string(100'000, 'a'), kFramings), "");
  EXPECT_EQ(nearest_name("length2", {}), "");
}

}  // namespace
}  // namespace fluxrig
