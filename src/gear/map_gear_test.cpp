#include <gtest/gtest.h>

#include "base/source_tree.hpp"
#include "gear/catalogue.hpp"
#include "gear/map_json.hpp"
#include "gear/test_services.hpp"
#include "gear/transaction.hpp"

namespace fluxrig::gear {
namespace {

const std::string kMaps = source_tree() / "examples";
constexpr std::string_view kExamples = "request: maps/authorize.yaml\nreply: maps/authorized.yaml\n";
constexpr std::string_view kBody =
    R"({"card":{"pan":"4242424242424242","expiry":"2712"},"amount":1050,"currency":"978",
        "terminal":"TERM0001","merchant":"SHOP0001"})";

class Entry final : public Gear {
 public:
  Message reply;
  Step on_request(Transaction&, Message&) override { return Step::next(); }
  void send_reply(Transaction&, Message& message) override { reply = message; }
};

// A host that approves unless told otherwise.
class Host final : public Gear {
 public:
  Fields seen;
  std::string code = "00";
  Step on_request(Transaction&, Message& message) override {
    seen = message.fields;
    message.fields.set("mti", "0210");
    message.fields.set("39", code);
    if (code == "00") message.fields.set("38", "104853");
    return Step::reply();
  }
};

struct Line {
  explicit Line(std::string_view text = kExamples) {
    const auto type = map_type();
    std::vector<yaml::Complaint> complaints;
    const Settings settings(yaml::parse(text).value(), type.options, kMaps, "map", complaints);
    if (complaints.empty()) type.check(settings, complaints);
    EXPECT_TRUE(complaints.empty()) << complaints.front().message;
    map = type.make(settings);
    services.add(entry, "in");
    services.add(*map, "map");
    services.add(host, "host");
    services.wire(entry, *map);
    services.wire(*map, host);
    EXPECT_TRUE(services.start());
  }
  const EndedTransaction& send(std::string_view body) {
    Message message;
    message.payload = body;
    EXPECT_TRUE(services.begin(entry, {}, std::move(message)));
    return services.ended().back();
  }
  std::unique_ptr<Gear> map;
  Entry entry;
  Host host;
  TestServices services;
};

TEST(MapGear, ExampleTurnsABodyIntoAFinancialRequest) {
  Line line;
  EXPECT_EQ(line.send(kBody).outcome, model::TransactionOutcome::kAnswered);
  const auto& sent = line.host.seen;
  EXPECT_EQ(sent.get("mti"), "0200");
  EXPECT_EQ(sent.get("2"), "4242424242424242");
  EXPECT_EQ(sent.get("3"), "000000");
  EXPECT_EQ(sent.get("4"), "000000001050");
  EXPECT_EQ(sent.get("14"), "2712");
  EXPECT_EQ(sent.get("42"), "SHOP0001       ");
  EXPECT_EQ(sent.get("11").size(), 6U);
  EXPECT_EQ(sent.get("37").substr(6), sent.get("11"));
  for (const auto* name : {"7", "12", "13", "22", "41", "49"}) EXPECT_NE(sent.find(name), nullptr) << name;
}

TEST(MapGear, ExampleTurnsTheResponseIntoABody) {
  Line line;
  line.send(kBody);
  Fields body;
  ASSERT_TRUE(flatten_json(line.entry.reply.payload, body));
  EXPECT_EQ(body.get("approved"), "true");
  EXPECT_EQ(body.get("code"), "00");
  EXPECT_EQ(body.get("authorization"), "104853");
  EXPECT_EQ(body.get("amount"), "1050");
  EXPECT_EQ(body.get("stan"), line.host.seen.get("11"));
  EXPECT_EQ(body.get("rrn"), line.host.seen.get("37"));
  EXPECT_EQ(line.entry.reply.meta.get("http.response.status_code"), "200");
  EXPECT_EQ(line.entry.reply.meta.get("content-type"), "application/json");
}

TEST(MapGear, ADeclineIsAnAnswerAndAHostInTroubleABadGateway) {
  Line line;
  line.host.code = "51";
  line.send(kBody);
  EXPECT_NE(line.entry.reply.payload.find(R"("approved":false,"code":"51")"), std::string::npos);
  EXPECT_EQ(line.entry.reply.meta.get("http.response.status_code"), "200");
  line.host.code = "96";
  line.send(kBody);
  EXPECT_EQ(line.entry.reply.meta.get("http.response.status_code"), "502");
}

TEST(MapGear, NoTwoRequestsShareATraceAuditNumber) {
  Line line;
  line.send(kBody);
  const std::string first(line.host.seen.get("11"));
  line.send(kBody);
  EXPECT_NE(line.host.seen.get("11"), first);
}

TEST(MapGear, OnlyNamedPathsAreRecorded) {
  Line line;
  const auto ended = line.send(kBody);
  EXPECT_EQ(ended.attributes.at("json.amount"), "1050");
  EXPECT_EQ(ended.attributes.count("json.card.expiry"), 0U);
  EXPECT_EQ(ended.attributes.size(), 3U);
}

TEST(MapGear, BadBodiesAreFailuresThatSayWhatIsMissing) {
  Line line;
  EXPECT_EQ(line.send("").failure.code, FailureCode::kMalformed);
  EXPECT_EQ(line.send("{").failure.code, FailureCode::kMalformed);
  const auto& ended = line.send(R"({"amount":1})");
  EXPECT_EQ(ended.failure.code, FailureCode::kRejected);
  EXPECT_STREQ(ended.failure.reason, "the message has no 'card.pan'");
}

TEST(MapGear, FilesThatAreNoMappingsAreComplaints) {
  const auto type = map_type();
  std::vector<yaml::Complaint> complaints;
  // The reply's file makes JSON, not elements.
  const Settings settings(yaml::parse("request: maps/authorized.yaml\nreply: maps/authorized.yaml\n").value(),
                          type.options, kMaps, "map", complaints);
  ASSERT_TRUE(complaints.empty());
  type.check(settings, complaints);
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_NE(complaints.front().message.find("authorized.yaml:4:"), std::string::npos)
      << complaints.front().message;
}

}  // namespace
}  // namespace fluxrig::gear
