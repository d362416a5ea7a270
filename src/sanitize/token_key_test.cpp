#include "sanitize/token_key.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "sanitize/key_rotation.hpp"
#include "sanitize/sanitizer.hpp"

namespace fluxrig::sanitize {
namespace {

using ::testing::HasSubstr;

class TokenKeyRotation : public ::testing::Test {
 protected:
  TokenKeyRotation() {
    char name[] = "/tmp/fluxrig-keys-XXXXXX";
    folder_ = ::mkdtemp(name);
    path_ = folder_ + "/token.key";
    EXPECT_TRUE(create_token_key(path_, "k1"));
  }
  ~TokenKeyRotation() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }
  std::string folder_;
  std::string path_;
};

TEST_F(TokenKeyRotation, TheNewKeyIsInUseAndTheOldOneStaysForTheOverlap) {
  const auto first = load_token_keys(path_);
  ASSERT_TRUE(first && !first->previous);
  ASSERT_TRUE(rotate_token_key(path_, "k2"));
  const auto both = load_token_keys(path_);
  ASSERT_TRUE(both && both->previous);
  EXPECT_EQ(both->current.id, "k2");
  EXPECT_EQ(both->previous->id, "k1");
  EXPECT_EQ(both->previous->bytes, first->current.bytes);
  EXPECT_NE(both->current.bytes, first->current.bytes);
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_EQ(files(), 1U) << "no copy of a key stays behind";
}

TEST_F(TokenKeyRotation, BothTokensAreMadeDuringTheOverlapAndOneAfterIt) {
  Sanitizer before(*load_token_keys(path_));
  const auto old_token = before.token("4111111111111111");
  ASSERT_TRUE(rotate_token_key(path_, "k2"));
  Sanitizer during(*load_token_keys(path_));
  EXPECT_THAT(*during.token("4111111111111111"), HasSubstr("tok_k2_"));
  const auto previous = during.previous_token("4111 1111 1111 1111");
  ASSERT_TRUE(previous);
  EXPECT_EQ(previous->text(), *old_token) << "what was stored before is found again";
  ASSERT_TRUE(retire_token_key(path_));
  Sanitizer after(*load_token_keys(path_));
  EXPECT_FALSE(after.previous_token("4111111111111111"));
  EXPECT_EQ(after.token("4111111111111111"), during.token("4111111111111111"));
}

TEST_F(TokenKeyRotation, AThirdKeyOrTheSameIdIsRefusedAndNothingChanges) {
  const auto same = rotate_token_key(path_, "k1");
  ASSERT_FALSE(same);
  EXPECT_THAT(same.error().message, HasSubstr("already"));
  ASSERT_TRUE(rotate_token_key(path_, "k2"));
  const auto third = rotate_token_key(path_, "k3");
  ASSERT_FALSE(third);
  EXPECT_THAT(third.error().message, HasSubstr("retire"));
  EXPECT_EQ(load_token_keys(path_)->current.id, "k2");
  EXPECT_FALSE(rotate_token_key(path_, "K 4"));
}

TEST_F(TokenKeyRotation, RetiringWithoutAnOverlapSaysSo) {
  const auto retired = retire_token_key(path_);
  ASSERT_FALSE(retired);
  EXPECT_THAT(retired.error().message, HasSubstr("nothing to retire"));
}

TEST(TokenKeysInMemory, RotateAndRetireAsInAFileAndAreReadBackFromTheirText) {
  const auto first = new_token_key("k1");
  ASSERT_TRUE(first);
  const auto both = rotated({*first}, "k2");
  ASSERT_TRUE(both && both->previous);
  EXPECT_EQ(both->previous->bytes, first->bytes);
  const auto read = parse_token_keys(to_text(*both));
  ASSERT_TRUE(read && read->previous);
  EXPECT_EQ(read->current.bytes, both->current.bytes);
  EXPECT_FALSE(rotated(*both, "k3"));
  const auto after = retired(*both);
  ASSERT_TRUE(after && !after->previous);
  EXPECT_EQ(to_text(*after).substr(0, 3), "k2 ");
  EXPECT_FALSE(retired(*after));
  EXPECT_FALSE(new_token_key("K 1"));
}

TEST_F(TokenKeyRotation, DestructionOverwritesTheFileBeforeItGoes) {
  // A second name of the same file sees what becomes of its bytes.
  const std::string other = folder_ + "/other-name";
  ASSERT_EQ(::link(path_.c_str(), other.c_str()), 0);
  ASSERT_TRUE(destroy_token_keys(path_));
  EXPECT_FALSE(std::filesystem::exists(path_));
  std::ifstream in(other, std::ios::binary);
  const std::string left((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(left, std::string(left.size(), '\0'));
  EXPECT_FALSE(left.empty());
}

TEST_F(TokenKeyRotation, TheKeyThatWasRetiredIsWipedFromItsFile) {
  ASSERT_TRUE(rotate_token_key(path_, "k2"));
  const std::string other = folder_ + "/other-name";
  ASSERT_EQ(::link(path_.c_str(), other.c_str()), 0);
  ASSERT_TRUE(retire_token_key(path_));
  std::ifstream in(other, std::ios::binary);
  const std::string left((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(left, std::string(left.size(), '\0'));
}

}  // namespace
}  // namespace fluxrig::sanitize
