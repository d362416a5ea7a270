// Spans of services, over HTTP into a whole mixer.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "mixer/test_mixer.hpp"

namespace fluxrig::mixer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class MixerReceiveTest : public MixerTest {
 protected:
  static std::uint16_t otlp() { return port_of(world_->mixer->otlp_address()); }
  static std::string secret() { return first_word(world_->config.otlp_token_path()); }

  static testing::HttpReply send(const std::string& body, const std::string& bearer = secret(),
                                 const std::string& type = "application/json") {
    return testing::send_request(
        otlp(), "POST /v1/traces HTTP/1.1\r\nHost: m\r\nConnection: close\r\nAuthorization: Bearer " +
                    bearer + "\r\nContent-Type: " + type +
                    "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  // Spans of one trace that begin now, numbered from `first`.
  static std::string spans(const std::string& trace_id, int first, int count) {
    const auto now = SystemClock{}.now().value;
    std::string list;
    for (int i = first; i < first + count; ++i)
      list += fmt::format(
          R"({}{{"traceId":"{}","spanId":"{:016x}","parentSpanId":"00f067aa0ba902b7","name":"step {}","kind":3,)"
          R"("startTimeUnixNano":"{}","endTimeUnixNano":"{}","attributes":[{{"key":"n","value":{{"intValue":{}}}}}]}})",
          list.empty() ? "" : ",", trace_id, i, i, now, now + kNanosPerMilli, i);
    return R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"web"}}]},)"
           R"("scopeSpans":[{"spans":[)" +
           list + "]}]}]}";
  }
  static std::string cell(const std::string& sql) {
    const auto body = testing::post(api(), "/api/v1/sql", token(), "{\"sql\":\"" + sql + "\"}").body;
    const auto at = body.find("\"rows\":[[");
    return at == std::string::npos ? body : body.substr(at + 9, body.find(']', at) - at - 9);
  }
};

TEST_F(MixerReceiveTest, ASpanIsStoredBeforeItsAnswerAndOnceHoweverOftenItComes) {
  const std::string trace = "ab12cd34ef56ab12cd34ef56ab12cd34";
  const auto body = spans(trace, 1, 2);
  const auto reply = send(body);
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.body, "{}");
  const auto shown = testing::get(api(), "/api/v1/trace/" + trace, token()).body;
  EXPECT_THAT(shown, HasSubstr(R"("transactions":[],"spans":[{"flux_id":null,"trace_id":")" + trace +
                               R"(","machine_id":null,"rack":null,"gear":null)"));
  EXPECT_THAT(shown, HasSubstr(R"("service.name":"web")"));
  EXPECT_EQ(send(body).status, 200);
  EXPECT_EQ(cell("SELECT count(*), any_value(lane) FROM spans WHERE trace_id = '" + trace + "'"),
            R"(2,"received")");
  const auto figures = testing::get(api(), "/metrics", token()).body;
  EXPECT_THAT(figures, HasSubstr("\nfluxrig_receive_duplicates_total 2\n"));
  EXPECT_THAT(figures, HasSubstr("fluxrig_receive_refused_total{fluxrig_cause=\"busy\"} 0\n"));
}

TEST_F(MixerReceiveTest, ItsTokenOpensNothingElseAndNothingElseOpensIt) {
  EXPECT_NE(secret(), token());
  EXPECT_EQ(send("{}", token()).status, 401);
  EXPECT_EQ(send("{}", "").status, 401);
  EXPECT_EQ(testing::get(api(), "/api/v1/status", secret()).status, 401);
  EXPECT_EQ(std::filesystem::status(world_->config.otlp_token_path()).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(MixerReceiveTest, WhatTheServerRefusesIsAStatusTooAndNamesItsLimit) {
  const auto large = send(std::string((4U << 20) + 1, ' '));
  EXPECT_EQ(large.status, 413);
  EXPECT_THAT(large.head, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(large.body, HasSubstr(R"("message":"the body is over the limit of 4 MiB")"));
  EXPECT_EQ(send("\xff", secret(), "application/x-protobuf").status, 400);
  EXPECT_THAT(testing::get(api(), "/api/v1/status", token()).body, HasSubstr(R"("oversize":1)"));
}

TEST_F(MixerReceiveTest, PagesOfSpansCoverThoseOfServicesOnceToo) {
  const std::string trace = "aaaabbbbccccddddeeeeffff00001111";
  ASSERT_EQ(send(spans(trace, 1, 25)).status, 200);
  const auto listed = testing::get_pages(api(), "/api/v1/spans?id=" + trace + "&limit=10", token());
  ASSERT_EQ(listed.status, 200);
  EXPECT_EQ(listed.rows, 25U);
  EXPECT_EQ(listed.cursors, 2);
}

TEST_F(MixerReceiveTest, ACardNumberIsMaskedBeforeItIsStored) {
  const std::string trace = "99998888777766665555444433332222";
  auto body = spans(trace, 1, 1);
  const std::string name = "step 1";
  body.replace(body.find(name), name.size(), "pay 4532015112830366");
  ASSERT_EQ(send(body).status, 200);
  const auto shown = testing::get(api(), "/api/v1/trace/" + trace, token()).body;
  EXPECT_THAT(shown, Not(HasSubstr("4532015112830366")));
  EXPECT_THAT(shown, HasSubstr("pay 453201******0366"));
}

}  // namespace
}  // namespace fluxrig::mixer
