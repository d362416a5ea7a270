#include "gear/iso8583/originals.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace fluxrig::gear::iso8583 {
namespace {

Fields payment(const std::string& type = "0200", int number = 123'456, const std::string& acquirer = "") {
  Fields fields;
  fields.set("mti", type);
  fields.set("7", "1122140307");
  fields.set("11", fmt::format("{:06}", number));
  if (!acquirer.empty()) fields.set("32", acquirer);
  return fields;
}

Fields reversal(const std::string& type = "0400", const std::string& original = "0200", int number = 123'456,
                const std::string& acquirer = "00000000000") {
  Fields fields;
  fields.set("mti", type);
  fields.set("90", fmt::format("{}{:06}1122140307{}00000000000", original, number, acquirer));
  return fields;
}

tap::LinkTarget target(std::uint8_t seed) {
  tap::LinkTarget out;
  out.flux_id.bytes.fill(seed);
  out.trace_id.bytes.fill(seed);
  out.span_id.bytes.fill(seed);
  return out;
}

TEST(Originals, AReversalFindsItsOriginal) {
  Originals originals;
  EXPECT_FALSE(originals.original_of(reversal()));
  originals.remember(payment(), target(1));
  originals.remember(payment("0100", 7), target(2));
  for (const char* type : {"0400", "0401", "0420", "0421"}) {
    const auto found = originals.original_of(reversal(type));
    ASSERT_TRUE(found) << type;
    EXPECT_EQ(found->flux_id, target(1).flux_id);
    EXPECT_EQ(found->trace_id, target(1).trace_id);
    EXPECT_EQ(found->span_id, target(1).span_id);
  }
  EXPECT_EQ(originals.original_of(reversal("0420", "0100", 7))->flux_id, target(2).flux_id);
}

TEST(Originals, ARepeatIsTheSameOriginalAndTheLaterOneCounts) {
  Originals originals;
  originals.remember(payment("0200"), target(1));
  originals.remember(payment("0201"), target(2));
  EXPECT_EQ(originals.original_of(reversal("0400", "0200"))->flux_id, target(2).flux_id);
  EXPECT_EQ(originals.original_of(reversal("0400", "0201"))->flux_id, target(2).flux_id);
}

TEST(Originals, TheAcquirerMustAgreeWithoutItsLeadingZeros) {
  Originals originals;
  originals.remember(payment("0200", 5, "004711"), target(1));
  EXPECT_TRUE(originals.original_of(reversal("0400", "0200", 5, "00000004711")));
  EXPECT_FALSE(originals.original_of(reversal("0400", "0200", 5, "00000004712")));
  EXPECT_FALSE(originals.original_of(reversal("0400", "0200", 5)));
}

TEST(Originals, WhatIsNoReversalOrSaysNothingOfItsOriginalFindsNone) {
  Originals originals;
  originals.remember(payment(), target(1));
  EXPECT_FALSE(originals.original_of(reversal("0200")));
  EXPECT_FALSE(originals.original_of(reversal("1400"))) << "of 1993, where element 90 is another";
  auto cut = reversal();
  cut.set("90", "0200123456");
  EXPECT_FALSE(originals.original_of(cut));
  EXPECT_FALSE(originals.original_of(reversal("0400", "0200", 99))) << "another trace number";
  Originals others;
  others.remember(payment("0800"), target(1));
  others.remember(payment("0400"), target(1));
  auto without_number = payment();
  without_number.erase("11");
  others.remember(without_number, target(1));
  EXPECT_FALSE(others.original_of(reversal("0400", "0800")));
  EXPECT_FALSE(others.original_of(reversal("0400", "0400")));
}

TEST(Originals, ForgetsInsteadOfGrowing) {
  Originals originals;
  constexpr int kMany = 100'000;
  for (int i = 0; i < kMany; ++i)
    originals.remember(payment("0200", i), target(static_cast<std::uint8_t>(i)));
  int found = 0;
  for (int i = 0; i < kMany; ++i)
    if (const auto one = originals.original_of(reversal("0400", "0200", i))) {
      ++found;
      EXPECT_EQ(one->flux_id, target(static_cast<std::uint8_t>(i)).flux_id) << i;
    }
  EXPECT_GT(found, static_cast<int>(Originals::kSlots) * 9 / 10);
  EXPECT_LE(found, static_cast<int>(Originals::kSlots));
}

}  // namespace
}  // namespace fluxrig::gear::iso8583
