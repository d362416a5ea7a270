// GET /api/v1/doubt over a real store.
#include <gmock/gmock.h>

#include "mixer/api/api.hpp"
#include "sink/store_fixture.hpp"

namespace fluxrig::mixer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ApiDoubtTest : public sink::StoreTest {
 protected:
  ApiDoubtTest() { open(); }
  static model::Intent intent_of(const model::Transaction& outcome) {
    model::Intent intent;
    intent.flux_id = outcome.flux_id;
    intent.trace_id = outcome.trace_id;
    intent.span_id = outcome.span_id;
    intent.gear = "bank";
    intent.time = outcome.start;
    intent.attributes = {{"iso8583.11", std::string("000042")}};
    return intent;
  }
  ApiResponse ask(std::vector<std::pair<std::string, std::string>> query = {}) {
    ApiRequest request;
    request.method = "GET";
    request.path = "/api/v1/doubt";
    request.query = std::move(query);
    return doubt_response(store_->queries(), request, clock_.now());
  }
  model::Intent intent_ = intent_of(transaction(clock_.now()));
};

TEST_F(ApiDoubtTest, AYoungOneOfTheRunningEpochIsInFlightAndOnlyListedWhenAskedFor) {
  store(block(1, {intent_}));
  EXPECT_EQ(ask().body.text(), "{\"doubt\":[],\"truncated\":false}\n");
  EXPECT_THAT(ask({{"all", "true"}}).body.text(), HasSubstr(R"("state":"in_flight")"));
}

TEST_F(ApiDoubtTest, AnOldOneOfTheRunningEpochIsLate) {
  store(block(1, {intent_}));
  clock_.advance(301 * kNanosPerSecond);
  EXPECT_THAT(ask().body.text(), HasSubstr(R"("state":"late")"));
}

TEST_F(ApiDoubtTest, OneOfAnEpochThatIsOverIsInDoubtWithWhatAReversalNeeds) {
  store(block(1, {intent_}));
  auto next = transactions(1, 1);
  next.head.epoch = {2};
  store(next);
  const auto body = ask().body.text();
  for (const auto& part :
       {std::string(R"("state":"in_doubt")"), std::string(R"("rack":"edge")"),
        "\"flux_id\":\"" + to_string(intent_.flux_id) + "\"",
        "\"span_id\":\"" + to_string(intent_.span_id) + "\"", std::string(R"("gear":"bank")"),
        std::string(R"("epoch":1,"sequence":1)"), std::string(R"("iso8583.11":"000042")")})
    EXPECT_THAT(body, HasSubstr(part));
  EXPECT_THAT(ask({{"rack", "other"}}).body.text(), Not(HasSubstr("in_doubt")));
  EXPECT_THAT(ask({{"rack", "edge"}}).body.text(), HasSubstr("in_doubt"));
}

TEST_F(ApiDoubtTest, TheListIsCutAtItsLimitAndSaysSo) {
  store(block(1, {intent_, intent_of(transaction(clock_.now()))}));
  EXPECT_THAT(ask({{"all", "true"}, {"limit", "1"}}).body.text(), HasSubstr("\"truncated\":true"));
  EXPECT_THAT(ask({{"all", "true"}, {"limit", "2"}}).body.text(), HasSubstr("\"truncated\":false"));
}

TEST_F(ApiDoubtTest, ParametersItDoesNotKnowAreRefused) {
  EXPECT_EQ(ask({{"racks", "edge"}}).status, 400);
  EXPECT_EQ(ask({{"limit", "0"}}).status, 400);
  EXPECT_EQ(ask({{"limit", "10001"}}).status, 400);
  EXPECT_EQ(ask({{"all", "yes"}}).status, 400);
}

}  // namespace
}  // namespace fluxrig::mixer
