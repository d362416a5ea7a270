#include "gear/bus/flux_message.hpp"

#include <gtest/gtest.h>

#include "cbor/encoder.hpp"

namespace fluxrig::gear::bus {
namespace {

Message example() {
  Message message;
  message.payload.assign("\x02\x00", 2);
  message.fields.append("mti", "0200");
  message.fields.append("4", "1050");
  message.meta.append("content-type", "x");
  return message;
}

// The worked example of docs/formats/flux-message.md.
constexpr const char* kExample =
    "a4"
    "0001"
    "01420200"
    "0284"
    "636d7469"
    "4430323030"
    "6134"
    "4431303530"
    "0382"
    "6c636f6e74656e742d74797065"
    "4178";

TEST(FluxMessage, EncodesTheDocumentedExample) {
  const auto encoded = encode_message(example());
  ASSERT_TRUE(encoded);
  EXPECT_EQ(to_hex(*encoded), kExample);
}

TEST(FluxMessage, EncodesTheDocumentedFailure) {
  EXPECT_EQ(to_hex(encode_failure({FailureCode::kTimeout, "late"})),
            "a2"
            "0001"
            "0482"
            "05"
            "646c617465");
}

TEST(FluxMessage, ComesBackAsItWent) {
  Message message = example();
  message.fields.append("bytes", std::string("\x00\xff\r\n", 4));
  message.fields.append("empty", "");
  const auto encoded = encode_message(message);
  ASSERT_TRUE(encoded);
  const auto decoded = decode_message(*encoded);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->message.payload, message.payload);
  EXPECT_EQ(decoded->message.fields, message.fields);
  EXPECT_EQ(decoded->message.meta, message.meta);
  EXPECT_FALSE(decoded->failure);
}

sanitize::TokenKeys deployment_key(std::uint8_t byte) {
  sanitize::TokenKeys keys{{"k1", {}}};
  keys.current.bytes.fill(byte);
  return keys;
}

TEST(FluxMessage, SealedItComesBackAndTheBusSeesNothingOfIt) {
  Message message{.payload = "4111111111111111", .fields = {}, .meta = {}};
  message.fields.append("2", "5500005555555559");
  message.meta.append("url.path", "/pay");
  sanitize::MessageSeal sender(deployment_key(1));
  sanitize::MessageSeal receiver(deployment_key(1));
  const auto bytes = encode_message(message, &sender);
  ASSERT_TRUE(bytes);
  for (const std::string_view part : {"4111", "5555", "/pay", "url.path"})
    EXPECT_EQ(as_text(*bytes).find(part), std::string_view::npos) << part;
  const auto decoded = decode_message(*bytes, &receiver);
  ASSERT_TRUE(decoded) << decoded.error().detail;
  EXPECT_EQ(decoded->message.payload, message.payload);
  EXPECT_EQ(*decoded->message.fields.find("2"), "5500005555555559");
  EXPECT_EQ(decoded->message.meta.get("url.path"), "/pay");
}

TEST(FluxMessage, SealedItIsRefusedWithoutTheKeyUnderAnotherOneAndWhenCutOrAltered) {
  sanitize::MessageSeal sender(deployment_key(1));
  sanitize::MessageSeal stranger(deployment_key(2));
  const auto bytes = encode_message({.payload = "x", .fields = {}, .meta = {}}, &sender);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(decode_message(*bytes).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(decode_message(*bytes, &stranger).error().code, ErrorCode::kInvalid);
  for (std::size_t size = 0; size < bytes->size(); ++size)
    EXPECT_FALSE(decode_message(ByteView(*bytes).first(size), &sender)) << size;
  auto altered = bytes->bytes();
  altered.back() ^= 1;
  EXPECT_FALSE(decode_message(altered, &sender));
}

TEST(FluxMessage, SealedItOpensOnlyOnItsSubjectAndUnderItsTransaction) {
  sanitize::MessageSeal seal(deployment_key(1));
  const Address sent{"flux.msg.edge.send.out", "0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02"};
  const auto bytes = encode_message({.payload = "x", .fields = {}, .meta = {}}, &seal, sent);
  ASSERT_TRUE(bytes);
  EXPECT_TRUE(decode_message(*bytes, &seal, sent));
  const auto code = [&](const Address& address) {
    return decode_message(*bytes, &seal, address).error().code;
  };
  EXPECT_EQ(code({"flux.msg.edge.send.other", sent.flux_id}), ErrorCode::kInvalid);
  EXPECT_EQ(code({sent.subject, "0192f3c1-7a44-7c10-9a51-3d5e0c9b1f03"}), ErrorCode::kInvalid);
  EXPECT_EQ(code({sent.subject, ""}), ErrorCode::kInvalid);
  // The same letters in other places are another address.
  EXPECT_EQ(code({"flux.msg.edge.send.out0", sent.flux_id.substr(1)}), ErrorCode::kInvalid);
}

// Version 2: of a rack before, still in a stream or a spool.
Bytes sealed_without_address(sanitize::MessageSeal& seal, ByteView clear, std::uint64_t version) {
  const auto sealed = seal.seal(clear);
  Bytes out;
  cbor::Encoder encoder(out);
  encoder.map(2);
  encoder.unsigned_integer(0);
  encoder.unsigned_integer(version);
  encoder.unsigned_integer(5);
  encoder.array(4);
  encoder.text(sealed.key_id);
  encoder.bytes(sealed.salt);
  encoder.unsigned_integer(sealed.number);
  encoder.bytes(sealed.box);
  return out;
}

TEST(FluxMessage, SealedByARackBeforeItIsReadAndDoesNotPassForABoundOne) {
  sanitize::MessageSeal seal(deployment_key(1));
  const auto clear = *encode_message({.payload = "x", .fields = {}, .meta = {}});
  const auto before = sealed_without_address(seal, clear, 2);
  const auto decoded = decode_message(before, &seal, {"flux.msg.a.b.c", "1"});
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->message.payload, "x");
  EXPECT_FALSE(decode_message(sealed_without_address(seal, clear, 3), &seal, {"flux.msg.a.b.c", "1"}));
  // Nor does one that is bound pass for one that is not.
  auto renamed =
      encode_message({.payload = "x", .fields = {}, .meta = {}}, &seal, {"flux.msg.a.b.c", "1"})->bytes();
  ASSERT_EQ(renamed[2], 3);
  renamed[2] = 2;
  EXPECT_FALSE(decode_message(renamed, &seal, {"flux.msg.a.b.c", "1"}));
}

TEST(FluxMessage, InClearItIsReadByWhoHasAKeyAsWell) {
  sanitize::MessageSeal seal(deployment_key(1));
  const auto decoded = decode_message(*encode_message({.payload = "x", .fields = {}, .meta = {}}), &seal);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->message.payload, "x");
}

TEST(FluxMessage, AReasonIsTheReceiversOwnWords) {
  const auto decoded = decode_message(encode_failure({FailureCode::kTimeout, "4242424242424242"}));
  ASSERT_TRUE(decoded && decoded->failure);
  EXPECT_EQ(decoded->failure->code, FailureCode::kTimeout);
  EXPECT_STREQ(decoded->failure->reason, "the other rack: nothing answered in time");
}

TEST(FluxMessage, AnUnknownFailureCodeIsInternal) {
  const auto decoded = decode_message(*from_hex("a20001048218636161"));
  ASSERT_TRUE(decoded && decoded->failure);
  EXPECT_EQ(decoded->failure->code, FailureCode::kInternal);
}

TEST(FluxMessage, SkipsKeysOfLaterVersions) {
  const auto decoded = decode_message(*from_hex("a3000101413109820102"));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->message.payload, "1");
}

TEST(FluxMessage, RefusesWhatBreaksTheFormat) {
  const auto code = [](std::string_view hex) {
    const auto decoded = decode_message(*from_hex(hex));
    return decoded ? std::optional<ErrorCode>{} : std::optional<ErrorCode>{decoded.error().code};
  };
  EXPECT_EQ(code(""), ErrorCode::kTruncated);
  EXPECT_EQ(code("a0"), ErrorCode::kInvalid);
  EXPECT_EQ(code("a10002"), ErrorCode::kUnsupported);
  EXPECT_EQ(code("a1014131"), ErrorCode::kInvalid);            // no version first
  EXPECT_EQ(code("a30001020001414131"), ErrorCode::kInvalid);  // fields are no array
  EXPECT_EQ(code("a2000102816161"), ErrorCode::kInvalid);      // a name without a value
  EXPECT_EQ(code("a300010141310141"), ErrorCode::kInvalid);    // a key twice
  EXPECT_EQ(code("a10001ff"), ErrorCode::kInvalid);            // bytes follow
  EXPECT_EQ(code("a20001014431"), ErrorCode::kTruncated);
}

TEST(FluxMessage, EveryCutOfTheExampleIsRefused) {
  const Bytes whole = *from_hex(kExample);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode_message(ByteView(whole).first(size))) << size;
}

TEST(FluxMessage, RefusesToEncodeOverABound) {
  const auto code = [](const Message& message) { return encode_message(message).error().code; };
  Message payload;
  payload.payload.assign(kMaxPayload + 1, 'x');
  EXPECT_EQ(code(payload), ErrorCode::kOversize);
  Message value;
  value.fields.append("a", std::string(kMaxFieldValue + 1, 'x'));
  EXPECT_EQ(code(value), ErrorCode::kOversize);
  Message name;
  name.fields.append(std::string(kMaxFieldName + 1, 'x'), "");
  EXPECT_EQ(code(name), ErrorCode::kOversize);
  Message many;
  for (std::size_t i = 0; i <= kMaxFields; ++i) many.meta.append("a", "");
  EXPECT_EQ(code(many), ErrorCode::kOversize);
  Message bytes;
  bytes.fields.append("\xff", "");
  EXPECT_EQ(code(bytes), ErrorCode::kInvalid);
}

}  // namespace
}  // namespace fluxrig::gear::bus
