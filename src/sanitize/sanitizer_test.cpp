#include "sanitize/sanitizer.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <thread>
#include <vector>

#include "base/random.hpp"
#include "sanitize/scan/test_numbers.hpp"

namespace fluxrig::sanitize {
namespace {

TokenKey key_of(std::uint8_t byte) {
  TokenKey key{"k1", {}};
  key.bytes.fill(byte);
  return key;
}

TEST(Policy, FollowsTheTableOfTheDesign) {
  for (const unsigned element : {2U, 34U}) EXPECT_EQ(iso8583_action(element), Action::kToken) << element;
  for (const unsigned element : {14U, 35U, 36U, 45U, 48U, 52U, 53U, 55U, 60U, 61U, 62U, 63U, 120U, 127U})
    EXPECT_EQ(iso8583_action(element), Action::kDrop) << element;
  for (const unsigned element : {3U, 4U, 7U, 11U, 39U, 41U, 42U, 49U, 70U})
    EXPECT_EQ(iso8583_action(element), Action::kKeep) << element;
  EXPECT_EQ(iso8583_action(37), Action::kReference);
}

TEST(Policy, AnElementOutsideTheTableIsDropped) {
  for (unsigned element = 71; element <= 128; ++element)
    EXPECT_EQ(iso8583_action(element), Action::kDrop) << element;
  EXPECT_EQ(iso8583_action(0), Action::kDrop);
  EXPECT_EQ(iso8583_action(4000), Action::kDrop);
}

TEST(Policy, ReadsJsonNamesInEverySpelling) {
  EXPECT_EQ(json_action("card.pan"), Action::kToken);
  EXPECT_EQ(json_action("cardNumber"), Action::kToken);
  EXPECT_EQ(json_action("payment.card_number"), Action::kToken);
  EXPECT_EQ(json_action("CVV2"), Action::kDrop);
  EXPECT_EQ(json_action("a.pin-block"), Action::kDrop);
  EXPECT_EQ(json_action("customerPan"), Action::kToken);
  EXPECT_EQ(json_action("payment.shopper_card_number"), Action::kToken);
  EXPECT_EQ(json_action("a-very-long-prefix-that-says-nothing-at-all.theOriginalPrimaryAccountNumber"),
            Action::kToken);
  EXPECT_EQ(json_action("cardPin"), Action::kDrop);
  EXPECT_EQ(json_action("cid"), Action::kDrop);
  EXPECT_EQ(json_action("amount"), Action::kKeep);
  for (const auto* name :
       {"japan", "span", "requestCid", "pinned", "shipping", "trackingNumber", "cvvResult", "spin"})
    EXPECT_EQ(json_action(name), Action::kKeep) << name;
  EXPECT_EQ(json_action(""), Action::kKeep);
}

TEST(Sanitizer, EqualNumbersGiveEqualTokensWhateverTheirSeparators) {
  Sanitizer one(key_of(7));
  Sanitizer other(key_of(7));
  const auto token = one.token("4111111111111111");
  ASSERT_TRUE(token);
  EXPECT_EQ(token, other.token("4111 1111-1111 1111"));
  EXPECT_EQ(token->size(), std::string("tok_k1_").size() + 32);
  EXPECT_NE(token, one.token("4111111111111112"));
}

TEST(Sanitizer, AnotherKeyGivesAnotherToken) {
  EXPECT_NE(Sanitizer(key_of(1)).token("4111111111111111"), Sanitizer(key_of(2)).token("4111111111111111"));
}

TEST(Sanitizer, TokensMatchHmacSha256ComputedElsewhere) {
  // printf 4111111111111111 | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707...07
  const auto token = Sanitizer(key_of(7)).token("4111111111111111");
  ASSERT_TRUE(token);
  std::string hex;
  for (const char c : token->substr(7)) hex += "0123456789abcdef"[std::string("bcdfghjklmnpqrst").find(c)];
  EXPECT_EQ(hex, "33ecfa1b0ba87f45471dd64ba36a9bde");
}

TEST(Sanitizer, ATokenIsNotTokenisedAgain) {
  Sanitizer sanitizer(key_of(7));
  const auto once = sanitizer.apply(Action::kToken, "4111111111111111");
  ASSERT_TRUE(once);
  EXPECT_EQ(sanitizer.apply(Action::kToken, once->text())->text(), once->text());
}

TEST(Sanitizer, ATokenPrefixDoesNotSmuggleACardNumber) {
  Sanitizer sanitizer(key_of(7));
  EXPECT_EQ(sanitizer.apply(Action::kToken, "tok_4111111111111111")->text(), "tok_411111******1111");
}

TEST(Sanitizer, AValueToTokeniseWithoutDigitsIsDropped) {
  EXPECT_FALSE(Sanitizer(key_of(7)).apply(Action::kToken, "not a number"));
}

TEST(Sanitizer, DroppedValuesLeaveNothing) {
  EXPECT_FALSE(Sanitizer(key_of(7)).apply(Action::kDrop, "1234"));
}

TEST(Sanitized, TenMillionTypedIdsAndTimesComeOutUnchanged) {
  SeededRandom random(6);
  for (std::uint64_t i = 0; i < size_of_run(2'500'000); ++i) {
    const TraceId trace = make_trace_id(random);
    ASSERT_EQ(Sanitized::of(trace).text(), to_hex(trace.view())) << "seed 6, round " << i;
    const MachineId machine = make_machine_id(random);
    ASSERT_EQ(Sanitized::of(machine).text(), to_uuid(machine.bytes));
    const SpanId span = make_span_id(random);
    ASSERT_EQ(Sanitized::of(span).text(), to_hex(span.view()));
    const UnixNanos time{static_cast<std::int64_t>(random.next() >> 1)};
    ASSERT_EQ(Sanitized::of(time).text(), std::to_string(time.value));
  }
}

TEST(Sanitizer, GivesTheSameOnEveryThread) {
  const std::string text = "card 4111111111111111, %34%31 and NDExMTExMTExMTExMTExMQ== cvv=123";
  const std::string expected = Sanitizer(key_of(7)).apply(Action::kKeep, text)->text();
  std::vector<std::thread> threads;
  std::array<int, 4> different{};
  for (int& count : different)
    threads.emplace_back([&text, &expected, &count] {
      Sanitizer sanitizer(key_of(7));
      for (int i = 0; i < 2000; ++i)
        count += sanitizer.apply(Action::kKeep, text)->text() == expected ? 0 : 1;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(different, (std::array<int, 4>{}));
}

TEST(Sanitizer, EveryActionTwiceIsOnce) {
  Sanitizer sanitizer(key_of(7));
  for (const auto action : {Action::kKeep, Action::kMask, Action::kToken}) {
    for (const std::string text :
         {"4111111111111111", "a 4111 1111 1111 1111 b", "NDExMTExMTExMTExMTExMQ==9999999999"}) {
      const auto once = sanitizer.apply(action, text);
      ASSERT_TRUE(once);
      EXPECT_EQ(sanitizer.apply(action, once->text())->text(), once->text()) << text;
      EXPECT_EQ(mask_card_numbers(once->text()), once->text());
    }
  }
}

TEST(Mask, ShowsFirstSixAndLastFour) {
  EXPECT_EQ(mask("4111111111111111"), "411111******1111");
  EXPECT_EQ(mask("4111 1111 1111 1111"), "4111 11** **** 1111");
  EXPECT_EQ(mask("123456789012"), "************");
  EXPECT_EQ(mask("411111******1111"), "411111******1111");
  EXPECT_EQ(mask("**4111111111111111**"), "**4111**********11**");
}

TEST(MaskCardNumbers, FindsNumbersInTextAndKeepsTheRest) {
  EXPECT_EQ(mask_card_numbers("card 4111111111111111 at till 7"), "card 411111******1111 at till 7");
  EXPECT_EQ(mask_card_numbers("5500-0000-0000-0004"), "5500-00**-****-0004");
  EXPECT_EQ(mask_card_numbers("order 1234567890123456"), "order 1234567890123456");
}

TEST(MaskCardNumbers, FindsANumberInsideALongerRun) {
  EXPECT_EQ(mask_card_numbers("0004111111111111111000"), "000411************1000");
}

TEST(MaskCardNumbers, TwiceIsOnce) {
  SeededRandom random(20'261'122);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto size = random.below(40); size > 0; --size) text += "0123456789 -x"[random.below(13)];
    const auto once = mask_card_numbers(text);
    EXPECT_EQ(mask_card_numbers(once), once) << text;
  }
}

class TokenKeyFile : public ::testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/fluxrig-token-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    path_ = std::string(folder) + "/token.key";
  }
  void TearDown() override {
    ::unlink(path_.c_str());
    ::rmdir(path_.substr(0, path_.rfind('/')).c_str());
  }
  std::string path_;
};

TEST_F(TokenKeyFile, IsReadBackAsItWasWritten) {
  const auto made = create_token_key(path_, "k1");
  ASSERT_TRUE(made);
  const auto loaded = load_token_key(path_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->id, "k1");
  EXPECT_EQ(loaded->bytes, made->bytes);
  EXPECT_FALSE(create_token_key(path_, "k2")) << "must not overwrite";
}

TEST_F(TokenKeyFile, ReadableByOthersIsRefused) {
  ASSERT_TRUE(create_token_key(path_, "k1"));
  ASSERT_EQ(::chmod(path_.c_str(), 0644), 0);
  const auto loaded = load_token_key(path_);
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("chmod 600"), std::string::npos);
}

}  // namespace
}  // namespace fluxrig::sanitize
