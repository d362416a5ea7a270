#include "base/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fluxrig {
namespace {

TEST(Utf8, AcceptsTheFirstAndLastCharacterOfEachLength) {
  for (const char* text : {"\x01", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xef\xbf\xbf",
                           "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_EQ(utf8_character(text), std::string_view(text).size()) << text;
}

TEST(Utf8, RefusesOverlongSurrogateTooHighCutAndStrayBytes) {
  for (const char* text : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
                           "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
                           "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3(", "\xe2\x82("})
    EXPECT_EQ(utf8_character(text), 0U) << text;
}

TEST(Utf8, PrefixEndsAtTheFirstBadByteWhereverItStands) {
  for (std::size_t size = 1; size <= 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, 'a');
      EXPECT_EQ(utf8_prefix(text), size);
      text[at] = '\xff';
      EXPECT_EQ(utf8_prefix(text), at) << "of " << size;
    }
  }
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("gr\xc3\xbc\xc3\x9f Gott, 12345678"));
}

}  // namespace
}  // namespace fluxrig
