#include "sanitize/key_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fluxrig::sanitize {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kKey(64, 'a');

Outcome<TokenKeys> shell(const std::string& script,
                         std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
  return token_keys_from({{"/bin/sh", "-c", script}, timeout});
}

TEST(KeyCommand, WhatItPrintsIsWhatTheFileWouldHold) {
  const auto keys = shell("echo k2 " + kKey + "; echo k1 " + std::string(64, 'b'));
  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_EQ(keys->current.id, "k2");
  EXPECT_EQ(keys->current.bytes[0], 0xaa);
  ASSERT_TRUE(keys->previous);
  EXPECT_EQ(keys->previous->bytes[31], 0xbb);
}

TEST(KeyCommand, NoShellReadsItsWords) {
  const auto keys = token_keys_from({{"echo", "k1 " + kKey + "; exit 1"}, std::chrono::seconds(20)});
  ASSERT_FALSE(keys);
  EXPECT_THAT(keys.error().message, HasSubstr("'echo' printed is not"));
}

TEST(KeyCommand, AFailureIsToldWithItsFirstWordsAndWithoutAnySecret) {
  const auto failed =
      shell("echo \"denied for card 4111111111111111 with " + kKey + "\" >&2; echo more >&2; exit 3");
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("exit code 3: denied for card "));
  EXPECT_THAT(failed.error().message, Not(HasSubstr("11111111")));
  EXPECT_THAT(failed.error().message, Not(HasSubstr("aaaa")));
  EXPECT_THAT(failed.error().message, Not(HasSubstr("more")));
}

TEST(KeyCommand, WhatItPrintsIsNeverShown) {
  for (const auto* script : {"echo k1 secretsecret", "echo k1 secretsecret; exit 1"}) {
    const auto failed = shell(script);
    ASSERT_FALSE(failed);
    EXPECT_THAT(failed.error().message, Not(HasSubstr("secret")));
  }
}

TEST(KeyCommand, OutputWithoutEndIsRefusedAndNotKept) {
  const auto failed = shell("echo k1 " + kKey + "; head -c 1000000 /dev/zero");
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("is not one or two lines"));
}

TEST(KeyCommand, OneThatHangsIsKilledWithItsChildren) {
  const auto begun = std::chrono::steady_clock::now();
  const auto failed = shell("sleep 600 & sleep 600", std::chrono::milliseconds(200));
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("had not ended after 200 ms"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(60));
  // With its output closed it still has to end.
  EXPECT_FALSE(shell("exec >&- 2>&-; sleep 600", std::chrono::milliseconds(200)));
}

TEST(KeyCommand, AProgramThatIsNotThereIsNamed) {
  const auto failed = token_keys_from({{"/no/such/program"}, std::chrono::seconds(1)});
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("cannot run '/no/such/program': No such file"));
  EXPECT_FALSE(token_keys_from({}));
}

}  // namespace
}  // namespace fluxrig::sanitize
