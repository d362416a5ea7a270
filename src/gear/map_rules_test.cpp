#include <gtest/gtest.h>

#include "gear/map_apply.hpp"
#include "gear/map_json.hpp"
#include "gear/map_rules.hpp"

namespace fluxrig::gear {
namespace {

Fields flat(std::string_view body) {
  Fields fields;
  const auto read = flatten_json(body, fields);
  EXPECT_TRUE(read) << read.error().detail;
  return fields;
}

// Of a refused body.
std::string_view refusal(std::string_view body) {
  Fields fields;
  const auto read = flatten_json(body, fields);
  return read ? "accepted" : read.error().detail;
}

// What one rule makes of `body`; the reason when it fails.
std::string made(std::string_view rule, std::string_view body) {
  const auto mapping = parse_mapping("rules:\n  - " + std::string(rule), MapForm::kFields);
  EXPECT_TRUE(mapping) << mapping.error().message;
  if (!mapping) return "no mapping";
  const Fields values = flat(body);
  Fields request;
  request.append("request.11", "000123");
  // 2026-11-22T14:03:07Z is day 326 of its year.
  const UnixNanos now{1'795'356'187 * kNanosPerSecond};
  const auto mapped = apply_rules(mapping->rules, {values, request, now, 42, FluxId{}});
  if (!mapped) return mapped.error().reason;
  return mapped->empty() ? "nothing" : mapped->front().text;
}

TEST(MapJson, ObjectsAndListsBecomePathsAndNumbersKeepTheirText) {
  const auto fields = flat(R"({"card":{"pan":"4242"},"amount":10.50,"big":12345678901234567890123,
                               "items":[1,{"a":true},null,"x"],"none":null,"tail":-0.0})");
  EXPECT_EQ(fields.get("card.pan"), "4242");
  EXPECT_EQ(fields.get("amount"), "10.50");
  EXPECT_EQ(fields.get("big"), "12345678901234567890123");
  EXPECT_EQ(fields.get("items.0"), "1");
  EXPECT_EQ(fields.get("items.1.a"), "true");
  EXPECT_EQ(fields.get("items.3"), "x");
  EXPECT_EQ(fields.get("tail"), "-0.0");
  EXPECT_EQ(fields.find("none"), nullptr);
  EXPECT_EQ(fields.size(), 7U);
}

TEST(MapJson, WhatIsNoJsonObjectIsRefused) {
  for (const auto* body :
       {"", "{", "{\"a\":}", "{\"a\":1}x", "{'a':1}", "{\"a\":01}", "nonsense", "{\"a\":\"\xff\"}"})
    EXPECT_EQ(refusal(body), "the body is not valid JSON") << body;
  for (const auto* body : {"[]", "1", "\"a\"", "null", "true"})
    EXPECT_EQ(refusal(body), "the body is not a JSON object") << body;
}

TEST(MapJson, AmbiguousNamesAreRefused) {
  EXPECT_EQ(refusal(R"({"a":1,"a":2})"), "the body has two values under one name");
  EXPECT_EQ(refusal(R"({"a":{"b":1},"a":{"b":2}})"), "the body has two values under one name");
  EXPECT_EQ(refusal(R"({"a.b":1})"), "the body has a name that is empty or holds a dot");
  EXPECT_EQ(refusal(R"({"":1})"), "the body has a name that is empty or holds a dot");
}

TEST(MapJson, LimitsHold) {
  std::string deep = "{\"a\":";
  for (std::size_t i = 0; i < kMaxJsonDepth + 1; ++i) deep += "[";
  EXPECT_EQ(refusal(deep), "the body is nested too deeply");
  std::string many = "{\"a\":[0";
  for (std::size_t i = 0; i < kMaxJsonValues - 1; ++i) many += ",0";
  EXPECT_EQ(refusal(many + "]}"), "accepted");
  EXPECT_EQ(refusal("{\"b\":1," + many.substr(1) + "]}"), "the body has too many values");
  EXPECT_EQ(refusal(std::string(kMaxJsonBytes + 1, ' ')), "the body is over the limit of JSON bodies");
}

TEST(MapJson, ValuesRenderAsNestedObjects) {
  const JsonValue values[] = {{"approved", "true", JsonType::kBoolean},
                              {"card.brand", "a \"b\"\n", JsonType::kText},
                              {"card.last.four", "4242", JsonType::kText},
                              {"stan", "000123", JsonType::kNumber},
                              {"amount", "-010.50", JsonType::kNumber}};
  EXPECT_EQ(
      render_json(values).value(),
      R"({"approved":true,"card":{"brand":"a \"b\"\u000a","last":{"four":"4242"}},"stan":123,"amount":-10.50})");
  EXPECT_EQ(render_json({}).value(), "{}");
}

TEST(MapJson, TextThatIsNoNumberOrBooleanIsRefused) {
  for (const auto* text : {"", "-", "1.", ".5", "1e5", "12a", "1.2.3"}) {
    const JsonValue value{"a", text, JsonType::kNumber};
    EXPECT_FALSE(render_json({&value, 1})) << text;
  }
  const JsonValue value{"a", "yes", JsonType::kBoolean};
  EXPECT_FALSE(render_json({&value, 1}));
}

TEST(MapRules, SourcesGiveTheirValues) {
  EXPECT_EQ(made(R"({ to: "2", from: card.pan })", R"({"card":{"pan":"4242"}})"), "4242");
  EXPECT_EQ(made(R"({ to: mti, value: "0200" })", "{}"), "0200");
  EXPECT_EQ(made(R"({ to: "11", copy: request.11 })", "{}"), "000123");
  EXPECT_EQ(made(R"({ to: "7", generate: transmission_time })", "{}"), "1122140307");
  EXPECT_EQ(made(R"({ to: "12", generate: time })", "{}"), "140307");
  EXPECT_EQ(made(R"({ to: "13", generate: date })", "{}"), "1122");
  EXPECT_EQ(made(R"({ to: "11", generate: stan })", "{}"), "000042");
  EXPECT_EQ(made(R"({ to: "37", generate: rrn })", "{}"), "632614000042");
}

TEST(MapRules, MissingValuesAreMistakesUnlessTheRuleSaysOtherwise) {
  EXPECT_EQ(made(R"({ to: "2", from: card.pan })", "{}"), "a required value is missing");
  EXPECT_EQ(made(R"({ to: "2", from: card.pan, optional: true })", "{}"), "nothing");
  EXPECT_EQ(made(R"({ to: "3", from: code, default: "000000" })", "{}"), "000000");
  EXPECT_EQ(made(R"({ to: "2", from: card.pan })", R"({"card":{"pan":null}})"),
            "a required value is missing");
}

TEST(MapRules, AmountsBecomeMinorUnitsAndAreNeverRounded) {
  EXPECT_EQ(made(R"({ to: "4", from: a, format: n12 })", R"({"a":1050})"), "000000001050");
  EXPECT_EQ(made(R"({ to: "4", from: a, format: n12 })", R"({"a":"1050"})"), "000000001050");
  EXPECT_EQ(made(R"({ to: "4", from: a, scale: 2, format: n12 })", R"({"a":12.3})"), "000000001230");
  EXPECT_EQ(made(R"({ to: "4", from: a, scale: 2, format: n12 })", R"({"a":12})"), "000000001200");
  EXPECT_EQ(made(R"({ to: "4", from: a, scale: 2 })", R"({"a":12.345})"),
            "an amount has more decimals than its currency");
  EXPECT_EQ(made(R"({ to: "4", from: a, scale: 2 })", R"({"a":1e3})"),
            "an amount is not a plain decimal number");
  EXPECT_EQ(made(R"({ to: "4", from: a, scale: 2 })", R"({"a":-1})"),
            "an amount is not a plain decimal number");
  EXPECT_EQ(made(R"({ to: "4", from: a, format: n12 })", R"({"a":10.5})"),
            "a value has other characters than digits");
  EXPECT_EQ(made(R"({ to: "4", from: a, format: n3 })", R"({"a":1050})"), "a value is too long");
}

TEST(MapRules, MinorUnitsBecomeDecimals) {
  EXPECT_EQ(made(R"({ to: "4", from: a, decimals: 2 })", R"({"a":"000000001050"})"), "10.50");
  EXPECT_EQ(made(R"({ to: "4", from: a, decimals: 2 })", R"({"a":"5"})"), "0.05");
  EXPECT_EQ(made(R"({ to: "4", from: a, decimals: 0 })", R"({"a":"000"})"), "0");
}

TEST(MapRules, TextIsPaddedAndTrimmed) {
  EXPECT_EQ(made(R"({ to: "41", from: t, format: ans8 })", R"({"t":"T1"})"), "T1      ");
  EXPECT_EQ(made(R"({ to: "41", from: t, trim: spaces })", R"({"t":"T1   "})"), "T1");
  EXPECT_EQ(made(R"({ to: "41", from: t, trim: zeros })", R"({"t":"000"})"), "0");
}

TEST(MapRules, TablesTranslateWithADefault) {
  const auto* rule = R"({ to: "3", from: c, table: { sale: "000000", refund: "200000" } })";
  EXPECT_EQ(made(rule, R"({"c":"refund"})"), "200000");
  EXPECT_EQ(made(rule, R"({"c":"loan"})"), "a value is not in its table");
  EXPECT_EQ(made(R"({ to: "3", from: c, table: { sale: "000000" }, otherwise: "990000" })", R"({"c":"x"})"),
            "990000");
  // What stands for a missing value does not stand for an unknown one.
  EXPECT_EQ(made(R"({ to: "3", from: c, table: { sale: "0" }, default: "0" })", R"({"c":"x"})"),
            "a value is not in its table");
}

TEST(MapRules, MistakesInTheFileAreMarked) {
  const auto complaint = parse_mapping(
      "rules:\n  - { to: mti, value: \"0200\" }\n  - { to: \"2\", form: pan }\n", MapForm::kFields);
  ASSERT_FALSE(complaint);
  EXPECT_EQ(complaint.error().mark.line, 3);
  EXPECT_EQ(complaint.error().mark.column, 16);
  EXPECT_NE(complaint.error().hint, "");
  for (const auto* rule :
       {"{ to: \"2\" }", "{ from: a }", "{ to: \"2\", from: a, value: b }", "{ to: \"1\", from: a }",
        "{ to: pan, from: a }", "{ to: \"7\", generate: now }", "{ to: \"2\", copy: 11 }",
        "{ to: \"2\", from: a, format: x9 }", "{ to: \"2\", from: a, scale: 12 }",
        "{ to: \"2\", from: a, scale: 1, decimals: 1 }", "{ to: \"2\", from: a, optional: maybe }",
        "{ to: \"2\", from: a, table: x }", "{ to: \"2\", from: a, trim: all }", "x"})
    EXPECT_FALSE(parse_mapping("rules:\n  - " + std::string(rule), MapForm::kFields)) << rule;
}

TEST(MapRules, TargetsOfJsonMayNotContradict) {
  const auto both = [](std::string_view first, std::string_view second) {
    return parse_mapping("rules:\n  - { to: " + std::string(first) +
                             ", from: \"2\" }\n  - { to: " + std::string(second) + ", from: \"3\" }\n",
                         MapForm::kJson)
        .has_value();
  };
  EXPECT_TRUE(both("a.b", "a.c"));
  EXPECT_FALSE(both("a", "a"));
  EXPECT_FALSE(both("a", "a.b"));
  EXPECT_FALSE(both("a.b", "a"));
  EXPECT_FALSE(both("a..b", "c"));
}

TEST(MapRules, AnObjectIsNotOpenedTwice) {
  const auto three = [](std::string_view last) {
    return parse_mapping("rules:\n  - { to: a.b.x, from: \"2\" }\n  - { to: a.c, from: \"3\" }\n  - { to: " +
                             std::string(last) + ", from: \"4\" }\n",
                         MapForm::kJson)
        .has_value();
  };
  EXPECT_TRUE(three("a.d"));
  EXPECT_TRUE(three("e"));
  EXPECT_FALSE(three("a.b.y"));
}

}  // namespace
}  // namespace fluxrig::gear
