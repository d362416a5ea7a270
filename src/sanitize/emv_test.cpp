#include "sanitize/emv.hpp"

#include <gtest/gtest.h>

#include "sanitize/sanitizer.hpp"

namespace fluxrig::sanitize {
namespace {

TokenKey key() {
  TokenKey out{"k1", {}};
  out.bytes.fill(7);
  return out;
}
Bytes hex(std::string_view text) { return *from_hex(text); }

TEST(Emv, KeepsWhatTheListNamesAndDropsTheRest) {
  // Amount, PAN, track 2, name, expiry, cryptogram, a private tag.
  const auto bytes =
      hex("9F0206000000012500"
          "5A084111111111111111"
          "57124111111111111111D29122010000012345F"
          "0"
          "5F200A534D4954482F4A4F484E"
          "5F2403291231"
          "9F26081122334455667788"
          "DF0104DEADBEEF");
  Sanitizer sanitizer(key());
  const auto fields = sanitizer.emv(bytes);
  ASSERT_TRUE(fields) << to_string(fields.error());
  ASSERT_EQ(fields->size(), 7U);
  EXPECT_EQ((*fields)[0].value->text(), "000000012500");
  EXPECT_EQ((*fields)[1].value->text(), *sanitizer.token("4111111111111111"));
  for (const std::size_t dropped : {2, 3, 4, 6}) {
    EXPECT_EQ((*fields)[dropped].action, Action::kDrop);
    EXPECT_FALSE((*fields)[dropped].value) << dropped;
  }
  EXPECT_EQ((*fields)[5].tag, 0x9F26U);
  EXPECT_EQ((*fields)[5].value->text(), "1122334455667788");
}

TEST(Emv, OpensTemplates) {
  Sanitizer sanitizer(key());
  const auto bytes =
      hex("770F"
          "9F36020001"
          "A508"
          "5A064111111111FF");
  const auto fields = sanitizer.emv(bytes);
  ASSERT_TRUE(fields) << to_string(fields.error());
  ASSERT_EQ(fields->size(), 2U);
  EXPECT_EQ((*fields)[1].tag, 0x5AU);
}

TEST(Emv, AnOddNumberIsTokenisedWithoutItsFiller) {
  Sanitizer sanitizer(key());
  const auto bytes = hex("5A08371449635398431F");
  const auto fields = sanitizer.emv(bytes);
  ASSERT_TRUE(fields);
  EXPECT_EQ((*fields)[0].value->text(), *sanitizer.token("371449635398431"));
}

TEST(Emv, ANumberInAKeptTagIsFound) {
  Sanitizer sanitizer(key());
  const auto bytes = hex("9F26084111111111111111");
  const auto fields = sanitizer.emv(bytes);
  ASSERT_TRUE(fields);
  EXPECT_EQ((*fields)[0].value->text(), "411111******1111");
}

TEST(Emv, AKeptTagLongerThanDefinedIsDropped) {
  EXPECT_EQ(emv_action(0x9F36, 2), Action::kKeep);
  EXPECT_EQ(emv_action(0x9F36, 8), Action::kDrop);
  EXPECT_EQ(emv_action(0x5A, 40), Action::kDrop);
}

TEST(Emv, EveryCutIsRefusedOrShorter) {
  const auto bytes =
      hex("9F0206000000012500"
          "77065A044111111F"
          "9F37040A0B0C0D");
  const auto whole = read_emv(bytes);
  ASSERT_TRUE(whole);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto cut = read_emv(ByteView(bytes).first(size));
    if (cut) {
      EXPECT_LT(cut->size(), whole->size()) << size;
    }
  }
}

TEST(Emv, RefusesWhatExceedsItsBounds) {
  Bytes deep = hex("9C0100");
  for (unsigned i = 0; i <= kMostEmvDepth; ++i) {
    Bytes outer = {0x77, static_cast<std::uint8_t>(deep.size())};
    outer.insert(outer.end(), deep.begin(), deep.end());
    deep = outer;
  }
  EXPECT_EQ(read_emv(deep).error().code, ErrorCode::kOversize);
  Bytes many;
  for (std::size_t i = 0; i <= kMostEmvFields; ++i) many.insert(many.end(), {0x9C, 0x01, 0x00});
  EXPECT_EQ(read_emv(many).error().code, ErrorCode::kOversize);
  EXPECT_EQ(read_emv(hex("9F")).error().code, ErrorCode::kTruncated);
  EXPECT_EQ(read_emv(hex("9C80")).error().code, ErrorCode::kTruncated);
}

}  // namespace
}  // namespace fluxrig::sanitize
