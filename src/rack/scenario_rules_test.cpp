#include "rack/scenario_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gear/catalogue.hpp"
#include "rack/scenario.hpp"

namespace fluxrig::rack {
namespace {

using ::testing::HasSubstr;

std::string with_rules(std::string_view rules) {
  return "rack: edge\nsanitize:\n  rules:\n" + std::string(rules) +
         "gears:\n  shop: { type: http_server, listen: \"127.0.0.1:0\", routes: [ { path: /x } ] }\n"
         "  out: { type: respond }\nwires: [ shop -> out ]\n";
}

std::string complaint_of(std::string_view rules) {
  const auto text = with_rules(rules);
  const auto catalogue = gear::catalogue();
  const auto scenario = load(text, ".", catalogue);
  if (scenario) return "";
  return report(scenario.error(), "edge.yaml", text);
}

TEST(ScenarioRules, AreReadInTheOrderOfTheFile) {
  const auto text = with_rules(
      "    - { name: employee, pattern: 'EMP-\\d{6}', fields: [note, 'order.*'], action: mask }\n"
      "    - { name: branch, pattern: x, action: drop }\n");
  const auto catalogue = gear::catalogue();
  const auto scenario = load(text, ".", catalogue);
  ASSERT_TRUE(scenario) << report(scenario.error(), "edge.yaml", text);
  ASSERT_EQ(scenario->rules.size(), 2U);
  EXPECT_EQ(scenario->rules[0].name, "employee");
  EXPECT_EQ(scenario->rules[0].pattern, "EMP-\\d{6}");
  EXPECT_EQ(scenario->rules[0].fields, (std::vector<std::string>{"note", "order.*"}));
  EXPECT_EQ(scenario->rules[0].action, sanitize::Action::kMask);
  EXPECT_TRUE(scenario->rules[1].fields.empty());
}

TEST(ScenarioRules, AMistakeInAPatternIsShownWhereItStands) {
  const auto plain = complaint_of("    - { name: a, pattern: ab(c, action: mask }\n");
  EXPECT_THAT(plain, HasSubstr("edge.yaml:4:29: sanitize.rules: the pattern of rule 'a': ")) << plain;
  const auto quoted = complaint_of("    - { name: a, pattern: 'it''s (c', action: mask }\n");
  EXPECT_THAT(quoted, HasSubstr("edge.yaml:4:34: ")) << quoted;
  const auto escaped = complaint_of("    - { name: a, pattern: \"\\x41\\\\d(c\", action: mask }\n");
  EXPECT_THAT(escaped, HasSubstr("edge.yaml:4:35: ")) << escaped;
}

TEST(ScenarioRules, WithoutAPatternFieldsAreNeededAndAnEmptyOneIsAMistake) {
  EXPECT_EQ(complaint_of("    - { name: a, fields: [customer.name], action: drop }\n"), "");
  EXPECT_THAT(complaint_of("    - { name: a, action: drop }\n"),
              HasSubstr("rule 'a': without a pattern it needs fields"));
  EXPECT_THAT(complaint_of("    - { name: a, pattern: '', fields: [x], action: drop }\n"),
              HasSubstr("the pattern of rule 'a' is empty"));
}

TEST(ScenarioRules, EveryRuleThatIsWrongIsNamed) {
  const auto text = complaint_of(
      "    - { name: a, pattern: '(', action: mask }\n    - { name: b, pattern: 'x+', action: drop }\n");
  EXPECT_THAT(text, HasSubstr("rule 'a'"));
  EXPECT_THAT(text, HasSubstr("rule 'b': a match may have any length"));
  EXPECT_THAT(text, HasSubstr("2 errors"));
}

TEST(ScenarioRules, NamesFieldsAndActionsAreChecked) {
  EXPECT_THAT(complaint_of("    - { name: A, pattern: x, action: mask }\n"), HasSubstr("no name of a rule"));
  EXPECT_THAT(
      complaint_of(
          "    - { name: a, pattern: x, action: mask }\n    - { name: a, pattern: y, action: mask }\n"),
      HasSubstr("two rules 'a'"));
  EXPECT_THAT(complaint_of("    - { name: a, pattern: x, fields: ['a*b'], action: mask }\n"),
              HasSubstr("fields of rule 'a'"));
  EXPECT_THAT(complaint_of("    - { name: a, pattern: x, action: keep }\n"), HasSubstr("keep"));
}

TEST(MarkInside, CountsQuotesAndEscapesAndStaysAtTheBeginningOfABlock) {
  const std::string_view text = "a: 'x''y'\nb: \"\\x41b\"\nc: |\n  xy\n";
  EXPECT_EQ(mark_inside(text, {1, 4}, 2).column, 8);
  EXPECT_EQ(mark_inside(text, {2, 4}, 1).column, 9);
  EXPECT_EQ(mark_inside(text, {3, 4}, 1).column, 4);
  EXPECT_EQ(mark_inside(text, {9, 4}, 1).column, 4);
}

}  // namespace
}  // namespace fluxrig::rack
