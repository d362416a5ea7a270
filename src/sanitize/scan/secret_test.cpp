// Sensitive authentication data: stripes, verification codes, PINs.
#include "sanitize/scan/secret.hpp"

#include <gtest/gtest.h>

#include "sanitize/scan/free_text.hpp"
#include "sanitize/scan/test_encodings.hpp"
#include "sanitize/scan/test_numbers.hpp"

namespace fluxrig::sanitize {
namespace {

std::string cleaned(std::string text) {
  clean_text(text);
  return text;
}
std::string stars(std::string_view text) { return std::string(text.size(), '*'); }

TEST(Stripe, OfEitherTrackIsDroppedWhole) {
  const std::string second = ";4111111111111111=29122010000012345678?";
  const std::string first = "%B4111111111111111^SMITH/JOHN Q^29122010000000000000000000000000000?";
  EXPECT_EQ(cleaned("read " + second + " ok"), "read " + stars(second) + " ok");
  EXPECT_EQ(cleaned("read " + first + " ok"), "read " + stars(first) + " ok");
}

TEST(Stripe, WithoutSentinelsIsDroppedWhole) {
  for (const std::string track :
       {"4111111111111111=29122010000012345678", "4111111111111111D29122010000012345F",
        "374111111111111111=29122010000012345", "B4111111111111111^SMITH/J^2912201000"})
    EXPECT_EQ(cleaned(track), stars(track));
}

TEST(Stripe, WithAWrongCheckDigitIsDroppedToo) {
  EXPECT_EQ(cleaned(";4111111111111112=29122010000012345678?"),
            stars(";4111111111111112=29122010000012345678?"));
  EXPECT_EQ(cleaned("9999999999999999=2912201000"), stars("9999999999999999=2912201000"));
}

TEST(Stripe, CutShortLeavesNoMoreThanAMaskedNumber) {
  const std::string track = ";4111111111111111=29122010000012345678?";
  for (std::size_t size = 18; size < track.size(); ++size) {
    const auto out = cleaned(track.substr(0, size));
    EXPECT_EQ(out.find("4111111111111111"), std::string::npos);
    if (size >= 22) {
      EXPECT_EQ(out, stars(out));
    }
  }
}

TEST(Stripe, AtTheEndOfAMessageOfDigitsIsDropped) {
  const auto out = cleaned("02003020040000000000000000000000100037411111111111111=29122010000012345");
  EXPECT_EQ(out.find("2912"), std::string::npos);
}

TEST(Stripe, InEveryEncodingIsDroppedWhole) {
  const std::string track = ";4111111111111111=29122010000012345678?";
  std::string packed_track(as_text(*from_hex("4111111111111111D29122010000012345678F")));
  for (const auto& text : {hex_of(track), base64_of(track, kBase64), base64_of("xy" + track, kBase64Url),
                           each_digit(track,
                                      [](char c) {
                                        return "%" + hex_of({&c, 1});
                                      }),
                           each_digit(track,
                                      [](char c) {
                                        return std::string{c, '\0'};
                                      }),
                           packed_track}) {
    const auto out = cleaned(text + '\x02');
    EXPECT_EQ(out.find(text.substr(text.size() / 2, 12)), std::string::npos);
  }
  EXPECT_EQ(cleaned("t=4111111111111111%3D29122010000012345678").find("2912"), std::string::npos);
  EXPECT_EQ(cleaned("t=4111111111111111%5ESMITH%2FJOHN%5E29122010000").find("SMITH"), std::string::npos);
}

TEST(Stripe, EqualsBetweenNumbersIsNone) {
  EXPECT_EQ(cleaned("1795371873123456789=9999"), "1795371873123456789=9999");
  EXPECT_EQ(cleaned("20261122180433=12"), "20261122180433=12");
}

TEST(Secret, VerificationCodesAreDroppedByTheirName) {
  EXPECT_EQ(cleaned("cvv: 123"), "cvv: ***");
  EXPECT_EQ(cleaned("CVV2=1234&x"), "CVV2=****&x");
  EXPECT_EQ(cleaned("{\"cardCvc\":\"987\",\"a\":1}"), "{\"cardCvc\":\"***\",\"a\":1}");
  EXPECT_EQ(cleaned("{\\\"cvv_number\\\": \\\"987\\\"}"), "{\\\"cvv_number\\\": \\\"***\\\"}");
  EXPECT_EQ(cleaned("Security code 123"), "Security code ***");
  EXPECT_EQ(cleaned("card_security_code='1234'"), "card_security_code='****'");
  EXPECT_EQ(cleaned("verificationValue: 123"), "verificationValue: ***");
}

TEST(Secret, PinsAndPinBlocksAreDroppedByTheirName) {
  EXPECT_EQ(cleaned("pin=1234"), "pin=****");
  EXPECT_EQ(cleaned("\"cardPin\":\"123456\""), "\"cardPin\":\"******\"");
  EXPECT_EQ(cleaned("PIN block 0412AC89ABCDEF67"), "PIN block ****************");
  EXPECT_EQ(cleaned("pin_block:0412ac89abcdef67"), "pin_block:****************");
}

TEST(Secret, OtherWordsAndNumbersStay) {
  for (const std::string text :
       {"recv 1234 bytes", "shipping 1234", "cvv missing", "cvv: 12", "cvv 12345", "pinned 1234", "pin 12",
        "security group 1234", "verified 123", "spin=1234", "recvd 512"})
    EXPECT_EQ(cleaned(text), text);
}

}  // namespace
}  // namespace fluxrig::sanitize
