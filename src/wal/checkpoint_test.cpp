// Checkpoints, keys and loss bodies: the bytes of docs/formats/audit.md, and what is refused.
#include "wal/checkpoint.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/source_tree.hpp"
#include "wal/control_body.hpp"

namespace fluxrig::wal {
namespace {

// The hex digits of the n-th ```hex block of the page, comments after '#' left out.
Bytes example_of_the_page(int wanted) {
  std::ifstream page(source_tree() / "docs" / "formats" / "audit.md");
  std::string line;
  std::string digits;
  int block = 0;
  bool inside = false;
  while (std::getline(page, line)) {
    if (line.starts_with("```")) {
      inside = line == "```hex";
      if (inside) ++block;
      continue;
    }
    if (!inside || block != wanted) continue;
    for (const char c : line.substr(0, line.find('#')))
      if (c != ' ') digits.push_back(c);
  }
  return from_hex(digits).value_or(Bytes());
}

SigningKey test_key(std::uint8_t first = 0) {
  std::array<std::uint8_t, 32> seed{};
  for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<std::uint8_t>(first + i);
  return SigningKey::from_seed(seed);
}

CheckpointStatement test_statement(const SigningKey& key) {
  CheckpointStatement statement;
  for (std::size_t i = 0; i < 16; ++i) statement.machine_id.bytes[i] = static_cast<std::uint8_t>(0xa0 + i);
  statement.epoch = {1'700'000'000};
  statement.sequence = {3};
  statement.head.fill(0x11);
  statement.time = {1'700'000'002'000'000'000};
  statement.drops = {{"ring_full", 5}, {"shutdown", 1}};
  statement.rule_set = "builtin-1";
  statement.token_key = "k1";
  statement.key_id = key.id();
  return statement;
}

struct KeyDirectory {
  std::string path;
  KeyDirectory() {
    char name[] = "/tmp/fluxrig-key-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~KeyDirectory() { std::filesystem::remove_all(path); }
  [[nodiscard]] std::string key() const { return path + "/audit.key"; }
};

TEST(Checkpoint, TheWorkedExampleOfThePageIsWhatTheEncoderWrites) {
  const SigningKey key = test_key();
  Bytes body;
  (void)encode_checkpoint_body(test_statement(key), key, body);
  EXPECT_EQ(to_hex(example_of_the_page(1)), to_hex(body));
}

TEST(Checkpoint, IsReadBackAndSignedByItsKeyOnly) {
  const SigningKey key = test_key();
  Bytes body;
  const auto hash = encode_checkpoint_body(test_statement(key), key, body);
  const auto checkpoint = decode_checkpoint_body(body);
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->statement, test_statement(key));
  EXPECT_EQ(checkpoint->hash, hash);
  EXPECT_TRUE(signed_by(*checkpoint, key.public_key()));
  EXPECT_FALSE(signed_by(*checkpoint, test_key(1).public_key()));
}

TEST(Checkpoint, WithAnyBitFlippedIsRefusedOrNotSigned) {
  const SigningKey key = test_key();
  Bytes body;
  (void)encode_checkpoint_body(test_statement(key), key, body);
  for (std::size_t bit = 0; bit < body.size() * 8; ++bit) {
    Bytes altered = body;
    altered[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto checkpoint = decode_checkpoint_body(altered);
    EXPECT_FALSE(checkpoint && signed_by(*checkpoint, key.public_key())) << "bit " << bit;
  }
}

TEST(Checkpoint, CutAtAnyByteIsRefused) {
  const SigningKey key = test_key();
  Bytes body;
  (void)encode_checkpoint_body(test_statement(key), key, body);
  for (std::size_t size = 0; size < body.size(); ++size)
    EXPECT_FALSE(decode_checkpoint_body(ByteView(body).first(size))) << size;
}

TEST(SigningKey, IsMadeOnceWithModeSixHundredAndReadAgain) {
  const KeyDirectory directory;
  const auto made = SigningKey::load_or_create(directory.key());
  ASSERT_TRUE(made) << made.error().message;
  struct stat status {};
  ASSERT_EQ(::stat(directory.key().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  const auto read = SigningKey::load_or_create(directory.key());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(made->public_key(), read->public_key());
  EXPECT_TRUE(verify_signature(made->public_key(), as_bytes("x"), read->sign(as_bytes("x"))));
}

TEST(SigningKey, IsRefusedWhenOthersCanReadItOrItIsNoKey) {
  const KeyDirectory directory;
  ASSERT_TRUE(SigningKey::load_or_create(directory.key()));
  ::chmod(directory.key().c_str(), 0640);
  const auto open_to_others = SigningKey::load_or_create(directory.key());
  ASSERT_FALSE(open_to_others);
  EXPECT_NE(open_to_others.error().message.find("chmod 600"), std::string::npos);
  std::ofstream(directory.key()) << "no key";
  ::chmod(directory.key().c_str(), 0600);
  const auto no_key = SigningKey::load_or_create(directory.key());
  ASSERT_FALSE(no_key);
  EXPECT_NE(no_key.error().message.find("not a private key"), std::string::npos);
}

TEST(SigningKey, SignsAsRfc8032SaysInItsFirstTest) {
  std::array<std::uint8_t, 32> seed{};
  const auto hex = from_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
  std::copy(hex->begin(), hex->end(), seed.begin());
  const SigningKey key = SigningKey::from_seed(seed);
  EXPECT_EQ(to_hex(key.public_key()), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  EXPECT_EQ(to_hex(key.sign({})),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b");
}

TEST(LossBody, IsReadBackWithAndWithoutItsOptionalParts) {
  const LossBody closed{"disk_full", 12, {5}, UnixNanos{9}, std::nullopt};
  const LossBody open{"disk_full", std::nullopt, {5}, std::nullopt, std::nullopt};
  const LossBody damage{"damage", 3, {5}, UnixNanos{5}, LossBody::Range{Epoch{2}, Sequence{7}, Sequence{9}}};
  for (const auto& body : {closed, open, damage}) {
    Bytes bytes;
    encode_loss_body(body, bytes);
    const auto decoded = decode_loss_body(bytes);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, body);
  }
}

TEST(LossBody, IsRefusedWithoutItsCauseOrWithARangeThatIsNone) {
  EXPECT_FALSE(decode_loss_body(*from_hex("a10205")));
  EXPECT_FALSE(decode_loss_body(*from_hex("a1006164")));
  EXPECT_TRUE(decode_loss_body(*from_hex("a20061640205")));
  EXPECT_TRUE(
      decode_loss_body(*from_hex("a300616402050483020706")));  // [2, 7, 6]: only blocks without records
  EXPECT_FALSE(decode_loss_body(*from_hex("a300616402050483020705")));  // ends before it begins
  EXPECT_FALSE(decode_loss_body(*from_hex("a300616402050483020000")));  // no sequence 0
}

TEST(HeaderBody, IsRefusedWithKeysOutOfOrderOrBytesBehindIt) {
  EXPECT_TRUE(decode_header_body(*from_hex("a2006165016130")));
  EXPECT_FALSE(decode_header_body(*from_hex("a2016130006165")));
  EXPECT_FALSE(decode_header_body(*from_hex("a200616500616f")));  // twice the same
  EXPECT_FALSE(decode_header_body(*from_hex("a200616501613000")));
  EXPECT_FALSE(decode_header_body(*from_hex("a1000a")));  // a rack's name that is no text
}

TEST(HeaderBody, KeepsThePublicKey) {
  HeaderBody header{"edge", "0.1.0", EpochLink{Epoch{3}, Sequence{77}, {}}};
  header.public_key = test_key().public_key();
  Bytes body;
  encode_header_body(header, body);
  const auto decoded = decode_header_body(body);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->public_key, header.public_key);
  EXPECT_EQ(decoded->link, header.link);
}

}  // namespace
}  // namespace fluxrig::wal
