#include <gtest/gtest.h>

#include "gear/catalogue.hpp"
#include "gear/respond_script.hpp"
#include "gear/test_services.hpp"
#include "gear/transaction.hpp"

namespace fluxrig::gear {
namespace {

class Entry final : public Gear {
 public:
  Message reply;
  int replies = 0;
  Step on_request(Transaction&, Message&) override { return Step::next(); }
  void send_reply(Transaction&, Message& message) override {
    reply = message;
    ++replies;
  }
};

struct Line {
  explicit Line(std::string_view text) {
    const auto type = respond_type();
    std::vector<yaml::Complaint> complaints;
    const Settings settings(yaml::parse(text).value(), type.options, "", "host", complaints);
    if (complaints.empty()) type.check(settings, complaints);
    EXPECT_TRUE(complaints.empty()) << complaints.front().message;
    host = type.make(settings);
    services.add(entry, "in");
    services.add(*host, "host");
    services.wire(entry, *host);
    EXPECT_TRUE(services.start());
  }
  void send(const std::string& amount = "000000001050") {
    Message message;
    for (const auto& [name, value] : {std::pair<std::string, std::string>{"mti", "0200"},
                                      {"2", "4242424242424242"},
                                      {"4", amount},
                                      {"11", "000123"},
                                      {"41", "TERM0001"}})
      message.fields.append(name, value);
    EXPECT_TRUE(services.begin(entry, {}, std::move(message)));
  }
  std::unique_ptr<Gear> host;
  Entry entry;
  TestServices services;
};

TEST(Respond, ApprovesWithTheResponseTypeAndRepeatsTheIdentity) {
  Line line("set: { \"39\": \"00\" }\n");
  line.send();
  const auto& fields = line.entry.reply.fields;
  EXPECT_EQ(fields.get("mti"), "0210");
  EXPECT_EQ(fields.get("39"), "00");
  EXPECT_EQ(fields.get("11"), "000123");
  EXPECT_EQ(fields.get("38"), authorization_code("000123"));
  EXPECT_EQ(fields.find("2"), nullptr);
}

TEST(Respond, AuthorizationCodesFollowFromTheTraceNumber) {
  EXPECT_EQ(authorization_code("000123"), authorization_code("123"));
  EXPECT_NE(authorization_code("000123"), authorization_code("000124"));
  EXPECT_EQ(authorization_code("999999").size(), 6U);
}

TEST(Respond, TheFirstRuleThatMatchesAnswers) {
  Line line(
      "set: { \"39\": \"00\" }\n"
      "rules:\n"
      "  - { field: \"4\", prefix: \"0000099\", set: { \"39\": \"51\" } }\n"
      "  - { field: \"4\", range: \"000009-000010\", set: { \"39\": \"61\" } }\n"
      "  - { field: \"4\", equals: \"000000000001\", drop: true }\n");
  line.send("000009900000");
  EXPECT_EQ(line.entry.reply.fields.get("39"), "51");
  EXPECT_EQ(line.entry.reply.fields.find("38"), nullptr);
  line.send("000010900000");
  EXPECT_EQ(line.entry.reply.fields.get("39"), "61");
  line.send();
  EXPECT_EQ(line.entry.reply.fields.get("39"), "00");
}

TEST(Respond, DroppedRequestsEndWithoutAnAnswer) {
  Line line("drop_rate: 1\nset: { \"39\": \"00\" }\n");
  line.send();
  EXPECT_EQ(line.entry.replies, 0);
  EXPECT_EQ(line.services.open(), 0U);
}

TEST(Respond, ErrorsComeAtTheirRate) {
  Line always("error_rate: 1\nset: { \"39\": \"00\" }\nerror_set: { \"39\": \"91\" }\n");
  always.send();
  EXPECT_EQ(always.entry.reply.fields.get("39"), "91");
  Line never("error_rate: 0\nset: { \"39\": \"00\" }\n");
  never.send();
  EXPECT_EQ(never.entry.reply.fields.get("39"), "00");
}

TEST(Respond, LatencyDelaysTheAnswerWithoutBlockingOthers) {
  Line line("latency: { mean: 20ms, jitter: 10ms }\nset: { \"39\": \"00\" }\n");
  line.send();
  line.send();
  EXPECT_EQ(line.entry.replies, 0);
  EXPECT_EQ(line.services.open(), 2U);
  ASSERT_TRUE(line.services.run_until([&] { return line.entry.replies == 2; }));
  EXPECT_EQ(line.entry.reply.fields.get("mti"), "0210");
}

TEST(Respond, StoppingForgetsWhatWaits) {
  Line line("latency: { mean: 60s }\nset: { \"39\": \"00\" }\n");
  line.send();
  line.host->stop();
  line.services.poll();
  EXPECT_EQ(line.entry.replies, 0);
}

TEST(Respond, LatencyStaysWithinItsJitter) {
  const auto type = respond_type();
  std::vector<yaml::Complaint> complaints;
  const Settings settings(yaml::parse("latency: { mean: 5ms, jitter: 8ms }\n").value(), type.options, "",
                          "host", complaints);
  const RespondScript script(settings);
  SeededRandom random(7);
  for (int i = 0; i < 1000; ++i) {
    const auto latency = script.latency_ms(random);
    ASSERT_GE(latency, 0);
    ASSERT_LE(latency, 13);
  }
}

TEST(Respond, BodiesAndStatusAnswerProtocolsWithoutFields) {
  Line line("payload: '{\"ok\":true}'\nstatus: 201\n");
  Message message;
  message.payload = "{}";
  ASSERT_TRUE(line.services.begin(line.entry, {}, std::move(message)));
  EXPECT_EQ(line.entry.reply.payload, "{\"ok\":true}");
  EXPECT_EQ(line.entry.reply.meta.get("http.response.status_code"), "201");
}

}  // namespace
}  // namespace fluxrig::gear
