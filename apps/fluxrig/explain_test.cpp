#include "fluxrig/explain.hpp"

#include <gtest/gtest.h>

namespace fluxrig::client {
namespace {

TEST(Explain, JsonNamesThePathTheRuleAndWhatIsLeft) {
  const auto hits = explain_json(
      R"({"card":{"pan":"4111111111111111","cvv":"123"},"note":"4111 1111 1111 1111","amount":1050})");
  ASSERT_TRUE(hits);
  ASSERT_EQ(hits->size(), 3U);
  EXPECT_EQ((*hits)[0].where, "card.pan");
  EXPECT_EQ((*hits)[0].action, "token");
  EXPECT_EQ((*hits)[1].where, "card.cvv");
  EXPECT_EQ((*hits)[1].action, "drop");
  EXPECT_EQ((*hits)[2].rule, "search");
  EXPECT_EQ((*hits)[2].left, "4111 11** **** 1111");
}

TEST(Explain, ShowsNothingThatTheSanitiserWouldNotLetThrough) {
  const auto members = explain_json(R"({"a 4111111111111111":"5500005555555559"})");
  ASSERT_TRUE(members);
  ASSERT_EQ(members->size(), 1U);
  for (const auto& hit : *members) EXPECT_EQ((hit.where + hit.left).find("1111111111"), std::string::npos);
  const auto hits = explain_text("x 4111111111111111 y");
  ASSERT_EQ(hits.size(), 1U);
  EXPECT_EQ(hits[0].left, "411111******1111");
}

TEST(Explain, RulesOfUsersComeAfterTheSearchAndAreNamed) {
  auto rules = sanitize::UserRules::compile({{"employee", "EMP-[0-9]{6}", {"note"}, sanitize::Action::kMask},
                                             {"stars", "[*]{4}", {}, sanitize::Action::kToken}});
  ASSERT_TRUE(rules) << rules.error().why;
  const auto hits =
      explain_json(R"({"note":"EMP-123456 4111111111111111","other":"EMP-123456"})", {rules->get()});
  ASSERT_TRUE(hits);
  ASSERT_EQ(hits->size(), 2U);
  EXPECT_EQ((*hits)[0].rule, "search");
  EXPECT_EQ((*hits)[1].rule, "rules employee stars");
  EXPECT_EQ((*hits)[1].left, "tok_<key id>_<32 letters> 411111tok_<key id>_<32 letters>1111");
  const auto text = explain_text("by EMP-123456", {rules->get(), "note"});
  ASSERT_EQ(text.size(), 1U);
  EXPECT_EQ(text[0].where, "from byte 3");
  EXPECT_EQ(text[0].left, "by tok_<key id>_<32 letters>") << "rules come again until nothing changes";
}

TEST(Explain, WhatDoesNotParseIsNotShown) {
  EXPECT_FALSE(explain_json(R"({"pan":"4111111111111111")"));
  EXPECT_FALSE(explain_emv(*from_hex("5A08")));
}

TEST(Explain, EmvTellsEveryTagBecauseTheRuleIsAListOfThoseThatStay) {
  const auto hits = explain_emv(*from_hex("5A0841111111111111119F0206000000001050"));
  ASSERT_TRUE(hits);
  ASSERT_EQ(hits->size(), 2U);
  EXPECT_EQ((*hits)[0].action, "token");
  EXPECT_EQ((*hits)[1].action, "keep");
  EXPECT_EQ((*hits)[1].left, "000000001050");
}

}  // namespace
}  // namespace fluxrig::client
