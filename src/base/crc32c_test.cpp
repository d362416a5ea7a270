#include "base/crc32c.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace fluxrig {
namespace {

// Vectors of RFC 3720, appendix B.4.
TEST(Crc32c, MatchesTheVectorsOfRfc3720) {
  const Bytes zeros(32, 0);
  EXPECT_EQ(crc32c(zeros), 0x8a9136aaU);
  const Bytes ones(32, 0xff);
  EXPECT_EQ(crc32c(ones), 0x62a8ab43U);
  Bytes rising(32);
  std::iota(rising.begin(), rising.end(), std::uint8_t{0});
  EXPECT_EQ(crc32c(rising), 0x46dd794eU);
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283U);
}

TEST(Crc32c, OfTwoPartsEqualsThatOfTheWhole) {
  const auto whole = as_bytes("a reader that cuts frames at any byte");
  for (std::size_t cut = 0; cut <= whole.size(); ++cut)
    EXPECT_EQ(crc32c(whole.subspan(cut), crc32c(whole.first(cut))), crc32c(whole)) << cut;
}

}  // namespace
}  // namespace fluxrig
