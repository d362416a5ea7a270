#include "mixer/api/reply_text.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace fluxrig::mixer {
namespace {

TEST(ReplyText, EveryTextIsSearchedAndEscapedAsItGoesIn) {
  EXPECT_EQ(said("paid with 4532015112830366 \"now\"").text(), "paid with 453201******0366 \\\"now\\\"");
  EXPECT_EQ(quoted("").text(), "null");
  EXPECT_EQ(quoted("4532015112830366").text(), "\"453201******0366\"");
  EXPECT_EQ(ReplyText::format("{}:{}", said("4532015112830366"), 12).text(), "453201******0366:12");
}

TEST(ReplyText, IdsStayAsTheyAreByTheirTypeOrTheirForm) {
  SeededRandom random(6);
  for (int i = 0; i < 100'000; ++i) {
    const auto machine = make_machine_id(random);
    ASSERT_EQ(id(machine).text(), to_string(machine));
    ASSERT_EQ(uuid(to_string(machine)).text(), to_string(machine));
  }
  EXPECT_EQ(uuid("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").text(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  EXPECT_EQ(uuid("4532015112830366").text(), "453201******0366");
  EXPECT_EQ(hex(ByteView(Bytes{0x45, 0x32, 0x01, 0x51, 0x12, 0x83, 0x03, 0x66})).text(), "4532015112830366");
}

TEST(ReplyText, WhatIsNoNumberOrObjectIsNull) {
  EXPECT_EQ(number_or_null("12").text(), "12");
  EXPECT_EQ(number_or_null("").text(), "null");
  EXPECT_EQ(number_or_null("1,\"x\":2").text(), "null");
  EXPECT_EQ(json_object("[1]").text(), "null");
  EXPECT_EQ(json_object(R"({"a": 1})").text(), R"({"a":1})");
  EXPECT_EQ(time_or_null({}).text(), "null");
}

// What nobody has searched does not compile.
template <typename... Parts>
concept GoesIntoAReply = requires(const Parts&... parts) {
  ReplyText::format("{}", parts...);
};
static_assert(GoesIntoAReply<ReplyText> && GoesIntoAReply<int> && GoesIntoAReply<bool> &&
              GoesIntoAReply<double>);
static_assert(!GoesIntoAReply<std::string> && !GoesIntoAReply<std::string_view> &&
              !GoesIntoAReply<const char*>);
static_assert(!std::constructible_from<ReplyText, std::string> &&
              !std::constructible_from<ReplyText, std::string_view>);
static_assert(!std::assignable_from<ReplyText&, std::string> &&
              !std::constructible_from<ReplyText, const char*>);

}  // namespace
}  // namespace fluxrig::mixer
