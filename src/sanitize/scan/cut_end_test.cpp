#include "sanitize/scan/cut_end.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "sanitize/scan/free_text.hpp"
#include "sanitize/scan/test_numbers.hpp"

namespace fluxrig::sanitize {
namespace {

std::string hidden(std::string text) {
  hide_cut_end(text);
  return text;
}

TEST(CutEnd, OfASentenceStays) {
  for (const std::string text :
       {"paid at the counter, then retur", "order 4711 of branch 12", "", "short", "line\n"})
    EXPECT_EQ(hidden(text), text);
}

TEST(CutEnd, WhatCouldBeTheBeginningOfANumberGoes) {
  EXPECT_EQ(hidden("card 411111111111111"), "card ***************");
  EXPECT_EQ(hidden("card 4111 1111 1111 11"), "card " + std::string(17, '*'));
  EXPECT_EQ(hidden("hex 34 31 31 31 31 31 3"), "hex " + std::string(19, '*'));
  EXPECT_EQ(hidden("b NDExMTExMTEx"), "b ************");
  EXPECT_EQ(hidden("4111 11"), "4111 11") << "six digits are shown of every number";
  EXPECT_EQ(hidden(std::string("x\0004\0001\0001\000", 8)), std::string(8, '*'));
}

// Whatever the encoding and wherever the cut: of the number no more than its first six digits stands there.
TEST(CutEnd, NoEncodingLeavesMoreThanSixDigitsWhereverItIsCut) {
  SeededRandom random(20);
  for (const auto& number : test_numbers(random)) {
    for (const std::string separator : {"", " ", "-", "%20"}) {
      std::string grouped;
      for (std::size_t i = 0; i < number.size(); ++i) {
        if (i > 0 && i % 4 == 0) grouped += separator;
        grouped += number[i];
      }
      const std::string text = "to be paid by " + grouped;
      for (std::size_t size = 15; size <= text.size(); ++size) {
        std::string cut = text.substr(0, size);
        hide_cut_end(cut);
        clean_text(cut);
        const auto left = std::count_if(cut.begin() + 14, cut.end(), is_digit);
        ASSERT_LE(left, 6) << text.substr(0, size) << " -> " << cut;
      }
    }
  }
}

}  // namespace
}  // namespace fluxrig::sanitize
