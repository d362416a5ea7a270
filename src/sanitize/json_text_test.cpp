#include "sanitize/json_text.hpp"

#include <gtest/gtest.h>

#include "sanitize/sanitizer.hpp"

namespace fluxrig::sanitize {
namespace {

class JsonText : public ::testing::Test {
 protected:
  static TokenKey key() {
    TokenKey out{"k1", {}};
    out.bytes.fill(7);
    return out;
  }
  std::string cleaned(std::string_view text, std::span<const JsonRule> rules = {}) {
    const auto out = sanitizer_.json(text, rules);
    return out ? out->text() : "refused";
  }
  Sanitizer sanitizer_{key()};
  std::string token_ = *sanitizer_.token("4111111111111111");
};

TEST_F(JsonText, IsTreatedByNames) {
  EXPECT_EQ(cleaned(R"({"card":{"pan":"4111111111111111","cvv":123,"expiryDate":"2912"},"amount":12.50})"),
            R"({"card":{"pan":")" + token_ + R"(","cvv":null,"expiryDate":null},"amount":12.50})");
  EXPECT_EQ(cleaned(R"({"cardNumber":4111111111111111})"), R"({"cardNumber":")" + token_ + "\"}");
}

TEST_F(JsonText, IsTreatedByPathBeforeNames) {
  const JsonRule rules[] = {{"a.b", Action::kDrop}, {"card.pan", Action::kMask}};
  EXPECT_EQ(cleaned(R"({"a":{"b":"x","c":"y"},"b":"z"})", rules), R"({"a":{"b":null,"c":"y"},"b":"z"})");
  EXPECT_EQ(cleaned(R"({"card":{"pan":"4111111111111111"}})", rules),
            R"({"card":{"pan":"411111******1111"}})");
}

TEST_F(JsonText, AnActionHoldsForEverythingInside) {
  EXPECT_EQ(cleaned(R"({"track2":{"data":["x",1,true,{"y":"z"}]}})"),
            R"({"track2":{"data":[null,null,null,{"y":null}]}})");
  EXPECT_EQ(cleaned(R"({"pan":["4111111111111111"]})"), R"({"pan":[")" + token_ + "\"]}");
}

TEST_F(JsonText, NumbersInOtherMembersAreSearched) {
  EXPECT_EQ(cleaned(R"({"note":"card 4111 1111 1111 1111","n":4111111111111111,"m":1795371873123456789})"),
            R"({"note":"card 4111 11** **** 1111","n":"411111******1111","m":1795371873123456789})");
  EXPECT_EQ(cleaned(R"({"4111111111111111":1})"), R"({"411111******1111":1})");
}

TEST_F(JsonText, EscapesHideNothing) {
  EXPECT_EQ(cleaned("{\"n\":\"\\u0034111111111111111\"}"), "{\"n\":\"411111******1111\"}");
  EXPECT_EQ(cleaned("{\"\\u0070an\":\"4111111111111111\"}"), "{\"pan\":\"" + token_ + "\"}");
  EXPECT_EQ(cleaned(R"({"n":"4111\/1111\/1111\/1111"})"), R"({"n":"4111/11**/****/1111"})");
}

TEST_F(JsonText, StringsComeOutAsTheyWereMeant) {
  EXPECT_EQ(cleaned("[\"a\\\"b\\\\c\\n\\u00e9\"]"), "[\"a\\\"b\\\\c\\u000a\xC3\xA9\"]");
}

TEST_F(JsonText, WhatIsNoJsonIsNotShown) {
  for (const std::string text : {"", "{", "{\"a\"}", "[1,]x", "\"a", "{\"a\":01}", "nul", "[1] [2]",
                                 "{\"a\":\"\\q\"}", "{a:1}", "1.", "\"\\u12\"", "\"\n\""})
    EXPECT_EQ(cleaned(text), "refused") << text;
  EXPECT_EQ(cleaned(std::string(100, '[') + std::string(100, ']')), "refused");
  EXPECT_EQ(cleaned("\"" + std::string(kMostJsonBytes, 'x') + "\""), "refused");
}

TEST_F(JsonText, TwiceIsOnce) {
  const auto once =
      cleaned(R"({"pan":"4111111111111111","x":[4111111111111111,"a 5500 0000 0000 0004"],"cvv":"1"})");
  EXPECT_EQ(cleaned(once), once);
}

}  // namespace
}  // namespace fluxrig::sanitize
