#include "sanitize/seal.hpp"

#include <gtest/gtest.h>

#include <set>

namespace fluxrig::sanitize {
namespace {

TokenKey key(std::string id, std::uint8_t byte) {
  TokenKey out{std::move(id), {}};
  out.bytes.fill(byte);
  return out;
}

constexpr std::string_view kMessage = "4111111111111111 and more";

TEST(MessageSeal, OpensWhatAnotherProcessOfTheDeploymentSealed) {
  MessageSeal sender({key("k1", 1)});
  MessageSeal receiver({key("k1", 1)});
  for (int i = 0; i < 3; ++i) {
    const auto sealed = sender.seal(as_bytes(kMessage));
    const auto opened = receiver.open(sealed);
    ASSERT_TRUE(opened);
    EXPECT_EQ(as_text(*opened), kMessage);
  }
}

TEST(MessageSeal, NothingOfTheMessageIsInTheBoxAndNoTwoAreAlike) {
  MessageSeal seal({key("k1", 1)});
  std::set<Bytes> boxes;
  for (int i = 0; i < 100; ++i) {
    const auto sealed = seal.seal(as_bytes(kMessage));
    EXPECT_EQ(as_text(sealed.box).find("4111"), std::string_view::npos);
    EXPECT_EQ(sealed.box.size(), kMessage.size() + MessageSeal::kTagBytes);
    boxes.insert(sealed.box);
  }
  EXPECT_EQ(boxes.size(), 100U);
  MessageSeal again({key("k1", 1)});
  EXPECT_NE(again.seal(as_bytes(kMessage)).salt, seal.seal(as_bytes(kMessage)).salt);
}

TEST(MessageSeal, AnyAlteredByteIsRefused) {
  MessageSeal seal({key("k1", 1)});
  const auto good = seal.seal(as_bytes(kMessage));
  for (std::size_t i = 0; i < good.box.size(); ++i) {
    auto bad = good;
    bad.box[i] ^= 1;
    const auto opened = seal.open(bad);
    ASSERT_FALSE(opened) << "byte " << i;
    EXPECT_EQ(opened.error().code, ErrorCode::kInvalid);
  }
  auto renumbered = good;
  ++renumbered.number;
  EXPECT_FALSE(seal.open(renumbered));
  auto resalted = good;
  resalted.salt[0] ^= 1;
  EXPECT_FALSE(seal.open(resalted));
  auto cut = good;
  cut.box.resize(MessageSeal::kTagBytes - 1);
  EXPECT_FALSE(seal.open(cut));
}

TEST(MessageSeal, WhatItIsBoundToIsNotInTheBoxAndOpensItAlone) {
  MessageSeal seal({key("k1", 1)});
  const auto bound = seal.seal(as_bytes(kMessage), as_bytes("subject"));
  EXPECT_EQ(bound.box.size(), kMessage.size() + MessageSeal::kTagBytes);
  ASSERT_TRUE(seal.open(bound, as_bytes("subject")));
  for (const std::string_view other : {"", "subjecu", "subject ", "sub"})
    EXPECT_FALSE(seal.open(bound, as_bytes(other))) << other;
  EXPECT_FALSE(seal.open(seal.seal(as_bytes(kMessage)), as_bytes("subject")));
}

TEST(MessageSeal, DuringAnOverlapBothKeysOpenAndTheNewOneSeals) {
  MessageSeal old({key("k1", 1)});
  MessageSeal both({key("k2", 2), key("k1", 1)});
  const auto opened = both.open(old.seal(as_bytes(kMessage)));
  ASSERT_TRUE(opened);
  EXPECT_EQ(as_text(*opened), kMessage);
  const auto sealed = both.seal(as_bytes(kMessage));
  EXPECT_EQ(sealed.key_id, "k2");
  const auto refused = old.open(sealed);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
}

TEST(MessageSeal, ManySendersCostNoMoreThanABoundedNumberOfKeys) {
  MessageSeal receiver({key("k1", 1)});
  for (std::size_t i = 0; i < 2 * MessageSeal::kMostOpeners + 1; ++i) {
    MessageSeal sender({key("k1", 1)});
    ASSERT_TRUE(receiver.open(sender.seal(as_bytes(kMessage))));
  }
}

TEST(MessageSeal, AnEmptyMessageIsSealedAsWell) {
  MessageSeal seal({key("k1", 1)});
  const auto opened = seal.open(seal.seal({}));
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->empty());
}

}  // namespace
}  // namespace fluxrig::sanitize
