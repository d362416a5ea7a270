#include "fluxrig/ledger_view.hpp"

#include <gmock/gmock.h>

namespace fluxrig::client {
namespace {

using testing::HasSubstr;
using testing::Not;

LedgerView draw(std::string_view json) {
  const auto view = draw_ledger(json, Terminal{});
  EXPECT_TRUE(view) << view.error().message;
  return view ? *view : LedgerView{};
}

constexpr std::string_view kOne =
    R"({"rack":"edge","hour":"2026-11-28T14:00:00.000000000Z","epoch":7,"signal":"spans","state":"closed",)"
    R"("produced":100,"stored":90,"dropped":{"queue_full":6,"evicted":4},"waiting":0,"unaccounted":0})";

TEST(LedgerView, ShowsDropsByCauseAndThatItIsExact) {
  const auto view = draw(R"({"ledger":[)" + std::string(kOne) + R"(],"exact":true,"truncated":false})");
  EXPECT_TRUE(view.exact);
  EXPECT_THAT(view.text, HasSubstr("2026-11-28 14:00"));
  EXPECT_THAT(view.text, HasSubstr("10 (evicted 4, queue_full 6)"));
  EXPECT_THAT(view.text, HasSubstr("exact: produced"));
}

TEST(LedgerView, AddsTheEpochsOfOneHour) {
  const std::string other =
      R"({"rack":"edge","hour":"2026-11-28T14:00:00.000000000Z","epoch":8,"signal":"spans","state":"running",)"
      R"("produced":11,"stored":11,"dropped":{},"waiting":0,"unaccounted":0})";
  const auto view =
      draw(R"({"ledger":[)" + std::string(kOne) + "," + other + R"(],"exact":true,"truncated":false})");
  EXPECT_THAT(view.text, HasSubstr("111"));
  EXPECT_THAT(view.text, HasSubstr("running"));
  EXPECT_THAT(view.text, Not(HasSubstr("closed")));
}

TEST(LedgerView, NamesTheEpochThatEndedWithoutItsLastStatement) {
  const auto view = draw(
      R"({"ledger":[{"rack":"edge","hour":"2026-11-28T14:00:00Z","epoch":9,"signal":"logs","state":"unfinished",)"
      R"("produced":null,"stored":3,"dropped":{},"waiting":0,"unaccounted":null}],"exact":false,"truncated":false})");
  EXPECT_FALSE(view.exact);
  EXPECT_THAT(view.text, HasSubstr("epoch 9 ended without its last statement"));
  EXPECT_THAT(view.text, HasSubstr("unknown"));
  EXPECT_THAT(view.text, HasSubstr("not exact"));
}

TEST(LedgerView, WhatIsCutShortIsNotExact) {
  const auto view = draw(R"({"ledger":[],"exact":true,"truncated":true})");
  EXPECT_FALSE(view.exact);
  EXPECT_THAT(view.text, HasSubstr("narrow"));
}

TEST(LedgerView, RefusesWhatIsNotTheAnswer) {
  EXPECT_FALSE(draw_ledger("{}", Terminal{}));
  EXPECT_FALSE(draw_ledger("not json", Terminal{}));
}

TEST(LedgerView, MakesHostileNamesHarmless) {
  const auto view = draw(
      R"({"ledger":[{"rack":"e\u001b[2Jdge","hour":"x","signal":"s","state":"odd","dropped":{"a\u0007":1}}],"exact":true})");
  EXPECT_THAT(view.text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(view.text, Not(HasSubstr("\x07")));
}

}  // namespace
}  // namespace fluxrig::client
