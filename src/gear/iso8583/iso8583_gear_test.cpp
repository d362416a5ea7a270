#include <gtest/gtest.h>

#include "gear/catalogue.hpp"
#include "gear/iso8583/codec.hpp"
#include "gear/test_services.hpp"
#include "gear/transaction.hpp"

namespace fluxrig::gear {
namespace {

constexpr std::string_view kRequest =
    "0200"
    "7220000000800000"
    "164242424242424242"
    "000000"
    "000000001050"
    "1122140307"
    "000123"
    "TERM0001";
constexpr std::string_view kResponse =
    "0210"
    "322000000a800000"
    "000000"
    "000000001050"
    "1122140307"
    "000123"
    "RRN000000001"
    "00"
    "TERM0001";

std::unique_ptr<Gear> make(std::string_view text = "spec: iso8583-1987-ascii\n") {
  const auto type = iso8583_type();
  std::vector<yaml::Complaint> complaints;
  const Settings settings(yaml::parse(text).value(), type.options, "", "codec", complaints);
  EXPECT_TRUE(complaints.empty());
  type.check(settings, complaints);
  EXPECT_TRUE(complaints.empty()) << complaints.front().message;
  return type.make(settings);
}

// Passes on, and keeps what comes back.
class Entry final : public Gear {
 public:
  Message reply;
  Step on_request(Transaction&, Message&) override { return Step::next(); }
  void send_reply(Transaction&, Message& message) override { reply = message; }
};

// Keeps what it was sent, and answers what it was told.
class Peer final : public Gear {
 public:
  Message seen;
  std::string correlation;
  Step step = Step::reply();
  Message reply;
  Step on_request(Transaction& transaction, Message& message) override {
    seen = message;
    correlation = transaction.correlation;
    message = reply;
    return step;
  }
};

struct Line {
  explicit Line(std::unique_ptr<Gear> gear) : codec(std::move(gear)) {
    services.add(entry, "in");
    services.add(*codec, "codec");
    services.add(peer, "out");
    services.wire(entry, *codec);
    services.wire(*codec, peer);
    EXPECT_TRUE(services.start());
  }
  const EndedTransaction& send(Message message) {
    EXPECT_TRUE(services.begin(entry, {}, std::move(message)));
    return services.ended().back();
  }
  std::unique_ptr<Gear> codec;
  Entry entry;
  Peer peer;
  TestServices services;
};

Message bytes(std::string_view payload) {
  Message message;
  message.payload = payload;
  return message;
}

Message fields_of(std::string_view payload) {
  Message message;
  EXPECT_TRUE(
      iso8583::decode(**iso8583::load_specification("iso8583-1987-ascii", ""), payload, message.fields));
  return message;
}

TEST(Iso8583Gear, BeforeAClientItEncodesTheRequestAndDecodesTheReply) {
  Line line(make());
  line.peer.reply = bytes(kResponse);
  const auto& ended = line.send(fields_of(kRequest));
  EXPECT_EQ(ended.outcome, model::TransactionOutcome::kAnswered);
  EXPECT_EQ(line.peer.seen.payload, kRequest);
  EXPECT_EQ(line.peer.correlation, "0210|1122140307|000123||TERM0001");
  EXPECT_EQ(line.entry.reply.fields, fields_of(kResponse).fields);
  EXPECT_TRUE(line.entry.reply.payload.empty());
}

TEST(Iso8583Gear, BehindAServerItDecodesTheRequestAndEncodesTheReply) {
  Line line(make());
  line.peer.reply = fields_of(kResponse);
  const auto& ended = line.send(bytes(kRequest));
  EXPECT_EQ(ended.outcome, model::TransactionOutcome::kAnswered);
  EXPECT_EQ(line.peer.seen.fields, fields_of(kRequest).fields);
  EXPECT_TRUE(line.peer.seen.payload.empty());
  EXPECT_EQ(line.entry.reply.payload.substr(0, 4), "0210");
  EXPECT_EQ(line.entry.reply.payload.substr(20), kResponse.substr(20));
}

TEST(Iso8583Gear, RecordedElementsOfRequestAndReplyBecomeAttributesOnce) {
  Line line(make());
  line.peer.reply = bytes(kResponse);
  const auto ended = line.send(fields_of(kRequest));
  EXPECT_EQ(ended.attributes.at("iso8583.mti"), "0200");
  EXPECT_EQ(ended.attributes.at("iso8583.11"), "000123");
  EXPECT_EQ(ended.attributes.at("iso8583.37"), "RRN000000001");
  EXPECT_EQ(ended.attributes.at("iso8583.39"), "00");
}

TEST(Iso8583Gear, AReversalLinksToItsOriginal) {
  Line line(make());
  line.peer.reply = bytes(kResponse);
  const auto original = line.send(fields_of(kRequest));
  EXPECT_TRUE(original.links.empty());
  auto reversal = fields_of(kRequest);
  reversal.fields.set("mti", "0400");
  reversal.fields.set("11", "000124");
  reversal.fields.append("90",
                         "0200"
                         "000123"
                         "1122140307"
                         "00000000000"
                         "00000000000");
  const auto ended = line.send(std::move(reversal));
  ASSERT_EQ(ended.links.size(), 1U);
  EXPECT_EQ(ended.links.at("reversal_of"), original.flux_id);
}

TEST(Iso8583Gear, BehindAServerAReversalLinksToItsOriginalAsWell) {
  Line line(make());
  line.peer.reply = fields_of(kResponse);
  const auto original = line.send(bytes(kRequest));
  auto reversal = fields_of(kRequest);
  reversal.fields.set("mti", "0420");
  reversal.fields.append("90",
                         "0200"
                         "000123"
                         "1122140307"
                         "00000000000"
                         "00000000000");
  const auto spec = iso8583::load_specification("iso8583-1987-ascii", "");
  ASSERT_TRUE(spec);
  std::string payload;
  ASSERT_TRUE(iso8583::encode(**spec, reversal.fields, payload));
  const auto ended = line.send(bytes(payload));
  ASSERT_EQ(ended.links.size(), 1U);
  EXPECT_EQ(ended.links.at("reversal_of"), original.flux_id);
}

TEST(Iso8583Gear, DroppedElementsAreListedWithoutTheirValue) {
  Line line(make());
  line.peer.reply = bytes(kResponse);
  auto request = fields_of(kRequest);
  request.fields.append("14", "2712");
  request.fields.append("35", "4242424242424242=2712");
  const auto ended = line.send(std::move(request));
  EXPECT_EQ(ended.attributes.at("iso8583.14"), "");
  EXPECT_EQ(ended.attributes.at("iso8583.35"), "");
}

TEST(Iso8583Gear, AFailureIsAnsweredInTheProtocolsOwnCode) {
  Line line(make());
  line.peer.step = Step::fail(FailureCode::kTimeout, "nothing came");
  const auto& ended = line.send(bytes(kRequest));
  EXPECT_EQ(ended.outcome, model::TransactionOutcome::kTimedOut);
  const auto reply = fields_of(line.entry.reply.payload).fields;
  EXPECT_EQ(reply.get("mti"), "0210");
  EXPECT_EQ(reply.get("39"), "68");
  EXPECT_EQ(reply.get("11"), "000123");
  EXPECT_EQ(reply.find("2"), nullptr);
}

TEST(Iso8583Gear, AFailureBehindAnEncodedRequestIsPassedOn) {
  Line line(make());
  line.peer.step = Step::fail(FailureCode::kUnavailable, "away");
  const auto& ended = line.send(fields_of(kRequest));
  EXPECT_EQ(ended.failure.code, FailureCode::kUnavailable);
  EXPECT_TRUE(line.entry.reply.payload.empty());
}

TEST(Iso8583Gear, MalformedBytesAreAFailureThatNamesTheElement) {
  Line line(make());
  const auto& request = line.send(bytes(kRequest.substr(0, 30)));
  EXPECT_EQ(request.failure.code, FailureCode::kMalformed);
  EXPECT_EQ(request.attributes.at("iso8583.defect_element"), "2");
  line.peer.reply = bytes("0210nonsense");
  EXPECT_EQ(line.send(fields_of(kRequest)).failure.code, FailureCode::kMalformed);
  EXPECT_EQ(line.send(bytes(kResponse)).failure.code, FailureCode::kRejected);
}

TEST(Iso8583Gear, RequestsThatCannotBeWrittenAreRejected) {
  Line line(make());
  auto request = fields_of(kRequest);
  request.fields.set("4", "ten");
  EXPECT_EQ(line.send(std::move(request)).failure.code, FailureCode::kRejected);
}

TEST(Iso8583Gear, KeysOfAReplyFindRequestsWithAndWithoutReference) {
  Line line(make());
  const std::vector<std::string> both{"0210|1122140307|000123|RRN000000001|TERM0001",
                                      "0210|1122140307|000123||TERM0001"};
  EXPECT_EQ(line.codec->correlation_keys(kResponse), both);
  EXPECT_TRUE(line.codec->correlation_keys(kRequest).empty());
  EXPECT_TRUE(line.codec->correlation_keys("0210").empty());
  EXPECT_TRUE(line.codec->correlates());
  EXPECT_FALSE(make("mode: decode\n")->correlates());
}

TEST(Iso8583Gear, MistakesInTheSettingsAreComplaints) {
  for (const auto* text : {"spec: iso8583-1988\n", "spec: none.yaml\n", "record: [1]\n", "record: [65]\n",
                           "correlate: [pan]\n", "mode: both\n"}) {
    const auto type = iso8583_type();
    std::vector<yaml::Complaint> complaints;
    const Settings settings(yaml::parse(text).value(), type.options, "", "codec", complaints);
    if (complaints.empty()) type.check(settings, complaints);
    EXPECT_FALSE(complaints.empty()) << text;
  }
}

}  // namespace
}  // namespace fluxrig::gear
