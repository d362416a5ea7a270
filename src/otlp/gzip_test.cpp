// Streams of others, unpacked.
#include "otlp/gzip.hpp"

#include <gtest/gtest.h>

namespace fluxrig::otlp {
namespace {

TEST(Gunzip, UnpacksOneWholeStreamWithinItsLimit) {
  const std::string text(1'000'000, 'x');
  const auto packed = gzip(text);
  ASSERT_TRUE(gunzip(packed, text.size()));
  EXPECT_EQ(*gunzip(packed, text.size()), text);
  EXPECT_EQ(gunzip(packed, text.size() - 1).error().code, ErrorCode::kOversize);
  EXPECT_EQ(gunzip(packed, 10).error().code, ErrorCode::kOversize);
  EXPECT_EQ(gunzip(packed.substr(0, packed.size() - 1), text.size()).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(gunzip(packed + "x", text.size()).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(gunzip("no gzip", 100).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(gunzip("", 100).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(*gunzip(gzip(""), 0), "");
}

}  // namespace
}  // namespace fluxrig::otlp
