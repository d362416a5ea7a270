#include "sanitize/user_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace fluxrig::sanitize {
namespace {

using ::testing::HasSubstr;

std::string token(std::string_view text) { return "tok_" + std::to_string(text.size()); }

UserRule rule(std::string name, std::string pattern, Action action, std::vector<std::string> fields = {}) {
  return {std::move(name), std::move(pattern), std::move(fields), action};
}

std::unique_ptr<UserRules> rules_of(std::vector<UserRule> rules) {
  auto made = UserRules::compile(std::move(rules));
  EXPECT_TRUE(made) << made.error().why;
  return made ? *std::move(made) : nullptr;
}

PatternEngine::Fault fault_of(std::vector<UserRule> rules) {
  const auto made = UserRules::compile(std::move(rules));
  EXPECT_FALSE(made);
  return made ? PatternEngine::Fault{} : made.error();
}

TEST(UserRules, MaskHidesTheHitTokenReplacesItAndDropTakesTheValue) {
  const auto rules =
      rules_of({rule("employee", "EMP-[0-9]{6}", Action::kMask),
                rule("contract", "C[0-9]{8}", Action::kToken), rule("secret", "hunter[0-9]", Action::kDrop)});
  ASSERT_TRUE(rules);
  EXPECT_EQ(rules->apply("note", "by EMP-123456.", token).text, "by **********.");
  EXPECT_EQ(rules->apply("note", "for C12345678!", token).text, "for tok_9!");
  const auto dropped = rules->apply("note", "EMP-123456 said hunter2", token);
  EXPECT_FALSE(dropped.text);
  EXPECT_EQ(dropped.strictest, Action::kDrop);
  EXPECT_EQ(dropped.rules, (std::vector<std::size_t>{0, 2}));
  const auto nothing = rules->apply("note", "nothing here", token);
  EXPECT_EQ(nothing.text, "nothing here");
  EXPECT_TRUE(nothing.rules.empty());
}

TEST(UserRules, WithoutAPatternItIsATableOfFieldsBesideTheOneThatIsBuiltIn) {
  const auto rules = rules_of(
      {rule("customer", "", Action::kMask, {"customer.*"}), rule("digits", "[0-9]", Action::kMask, {"note"}),
       rule("order", "", Action::kToken, {"order"}), rule("gone", "", Action::kDrop, {"gone"})});
  ASSERT_TRUE(rules);
  const auto token_of = [](std::string_view) {
    return std::string("tok_k1_abcdefghijklmnopqrstuvwxyzabcdef");
  };
  EXPECT_EQ(rules->apply("customer.name", "Jane Doe", token_of).text, "**** ***");
  EXPECT_EQ(rules->apply("note", "a1", token_of).text, "a*");
  const auto ordered = rules->apply("order", "A-7", token_of);
  EXPECT_EQ(ordered.text, token_of(""));
  EXPECT_EQ(rules->rules()[ordered.rules.at(0)].name, "order");
  EXPECT_EQ(rules->apply("order", *ordered.text, token_of).text, ordered.text) << "twice is once";
  EXPECT_FALSE(rules->apply("gone", "x", token_of).text);
  EXPECT_EQ(rules->apply("other", "Jane Doe", token_of).text, "Jane Doe");
  EXPECT_THAT(fault_of({rule("all", "", Action::kDrop)}).why, HasSubstr("needs fields"));
  const auto second = fault_of({rule("whole", "", Action::kDrop, {"x"}), rule("wrong", "(", Action::kDrop)});
  EXPECT_EQ(second.pattern, 1U);
}

TEST(UserRules, ARuleHoldsForItsFieldsOnly) {
  const auto rules = rules_of({rule("a", "x{3}", Action::kMask, {"note", "order.*"})});
  ASSERT_TRUE(rules);
  EXPECT_EQ(rules->apply("note", "xxx", token).text, "***");
  EXPECT_EQ(rules->apply("order.comment", "xxx", token).text, "***");
  EXPECT_EQ(rules->apply("notes", "xxx", token).text, "xxx");
  EXPECT_EQ(rules->apply("orders", "xxx", token).text, "xxx");
  EXPECT_TRUE(rules->any_for("order."));
  EXPECT_FALSE(rules->any_for("x"));
}

TEST(UserRules, TwiceIsOnceAlsoWhereRulesHitWhatRulesHavePutThere) {
  const auto letters = [](std::string_view) {
    return std::string("tok_k1_zzqrstuvwxyzabcdefghijklmnopqrst");
  };
  const auto twice = [&](UserRules& rules, std::string_view text) {
    const auto once = rules.apply("note", text, letters);
    return once.text && rules.apply("note", *once.text, letters).text != once.text
               ? std::optional<std::string>("no rest")
               : once.text;
  };
  // What one leaves is what the other looks for.
  const auto chain = rules_of({rule("a", "secret", Action::kMask), rule("b", "\\*{6}x", Action::kMask)});
  EXPECT_EQ(twice(*chain, "secretx"), "*******");
  // A part of a token is no text to make a token of.
  const auto parts = rules_of({rule("a", "zz", Action::kToken)});
  EXPECT_EQ(twice(*parts, "a zz."), "a tok_k1_zzqrstuvwxyzabcdefghijklmnopqrst.");
  // It would grow for ever.
  const auto endless = rules_of({rule("a", "_[a-z]{2}z", Action::kToken), rule("b", "qq", Action::kToken)});
  const auto grown = [](std::string_view) { return std::string("tok_kk_qq"); };
  EXPECT_FALSE(endless->apply("note", "qq", grown).text);
  EXPECT_EQ(endless->apply("note", "qq", grown).strictest, Action::kDrop);
}

// Matching is linear in the text, whatever the patterns; measured as time of this thread on the processor,
// several times, so that a busy machine does not count.
TEST(UserRules, WhatAllThatIsAllowedCostsIsBounded) {
  std::vector<UserRule> most;
  for (std::size_t i = 0; i < kMostUserRules; ++i)
    most.push_back(
        rule("r" + std::to_string(i), "(a|b|ab){1,8}[^c]{0,40}" + std::to_string(i), Action::kMask));
  const auto processor = [] {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
  };
  const auto began = processor();
  const auto rules = rules_of(most);
  ASSERT_TRUE(rules);
  EXPECT_LT(processor() - began, 5.0) << "seconds to compile";
  EXPECT_LE(rules->compiled_bytes(), 2 * PatternEngine::kMostCompiledBytes);
  const auto cost = [&](std::size_t size) {
    std::string text;
    while (text.size() < size) text += "abababab";
    double least = 1e9;
    for (int round = 0; round < 5; ++round) {
      const auto from = processor();
      EXPECT_TRUE(rules->apply("note", text, token).text);
      least = std::min(least, processor() - from);
    }
    return least;
  };
  const auto value = cost(256);
  const auto small = cost(8U << 10);
  const auto large = cost(64U << 10);
  std::printf("64 rules: %.1f us for 256 bytes, %.2f ms for 8 KiB, %.2f ms for 64 KiB\n", value * 1e6,
              small * 1e3, large * 1e3);
  EXPECT_LT(value, 0.005);
  EXPECT_LT(large, 8 * 3 * small + 0.005) << "eight times the text, three times more than that allowed";
}

TEST(UserRules, TheirOrderInTheFileChangesNothing) {
  std::vector<UserRule> rules = {rule("a", "[ab]{2,4}", Action::kToken), rule("b", "bcd", Action::kMask),
                                 rule("c", "d[0-9]", Action::kToken), rule("d", "zz", Action::kDrop)};
  std::sort(rules.begin(), rules.end(), [](const auto& x, const auto& y) { return x.name < y.name; });
  const auto first = rules_of(rules)->apply("f", "aabcd1 ab d5 zy", token).text;
  ASSERT_TRUE(first);
  EXPECT_EQ(*first, "****** tok_2 tok_2 zy");
  const auto name = fingerprint(rules);
  do {
    EXPECT_EQ(rules_of(rules)->apply("f", "aabcd1 ab d5 zy", token).text, first);
    EXPECT_EQ(fingerprint(rules), name);
  } while (std::next_permutation(rules.begin(), rules.end(),
                                 [](const auto& x, const auto& y) { return x.name < y.name; }));
  rules[0].pattern += "x";
  EXPECT_NE(fingerprint(rules), name);
}

TEST(UserRules, AFaultInAPatternNamesTheRuleAndThePlace) {
  const auto open = fault_of({rule("good", "abc", Action::kMask), rule("bad", "ab(c", Action::kMask)});
  EXPECT_EQ(open.pattern, 1U);
  EXPECT_EQ(open.at, 2U) << open.why;
  EXPECT_FALSE(open.of_all);
  EXPECT_FALSE(fault_of({rule("bad", "a(?=b)", Action::kMask)}).why.empty()) << "no looking ahead";
  EXPECT_FALSE(fault_of({rule("bad", "(a)\\1", Action::kMask)}).why.empty()) << "no references back";
}

TEST(UserRules, WhatCouldCostWithoutBoundIsRefused) {
  EXPECT_THAT(fault_of({rule("a", "[0-9]+", Action::kMask)}).why, HasSubstr("bound"));
  EXPECT_THAT(fault_of({rule("a", "x{2,}y", Action::kMask)}).why, HasSubstr("bound"));
  EXPECT_THAT(fault_of({rule("a", "x?", Action::kMask)}).why, HasSubstr("nothing"));
  EXPECT_THAT(fault_of({rule("a", "[a-z]{1,257}", Action::kMask)}).why, HasSubstr("257"));
  EXPECT_THAT(fault_of({rule("a", std::string(513, 'a'), Action::kMask)}).why, HasSubstr("512"));
  EXPECT_THAT(fault_of({rule("a", "", Action::kMask)}).why, HasSubstr("needs fields"));
  EXPECT_THAT(fault_of({rule("a", "[a-z_0-9]{5,9}", Action::kToken)}).why, HasSubstr("own tokens"));
}

TEST(UserRules, ATextWithMoreHitsThanAreCountedIsMaskedWhole) {
  const auto rules = rules_of({rule("a", "x", Action::kToken, {"note"})});
  ASSERT_TRUE(rules);
  const std::string text(PatternEngine::kMostMatches + 1, 'x');
  EXPECT_EQ(rules->apply("note", text, token).text, std::string(text.size(), '*'));
  EXPECT_EQ(rules->apply("other", text, token).text, text);
}

TEST(UserRules, TwiceIsOnce) {
  const auto rules =
      rules_of({rule("a", "[A-Z]{2}[0-9]{3,5}", Action::kToken), rule("b", "q.{1,3}r", Action::kMask)});
  ASSERT_TRUE(rules);
  for (const std::string text : {"AB1234 q12r", "qAB123r", "AB12345678", "qq1rr"}) {
    const auto once = rules->apply("f", text, token).text;
    ASSERT_TRUE(once);
    EXPECT_EQ(rules->apply("f", *once, token).text, once) << text;
  }
}

}  // namespace
}  // namespace fluxrig::sanitize
