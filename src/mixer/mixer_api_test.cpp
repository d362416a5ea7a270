// What clients ask of a whole mixer over HTTP.
#include <gmock/gmock.h>

#include "mixer/test_mixer.hpp"

namespace fluxrig::mixer {
namespace {

using ::testing::HasSubstr;

class MixerApiTest : public MixerTest {};

TEST_F(MixerApiTest, TraceFindsATransactionByEachOfItsIdsAndByAPrefix) {
  const auto one = rack("traced");
  ASSERT_TRUE(one->bus);
  one->publish(testing::audit_block(one->machine, 1, 3));
  ASSERT_TRUE(one->receipt_to(3));
  const auto row =
      testing::post(api(), "/api/v1/sql", token(),
                    R"({"sql":"SELECT trace_id FROM transactions WHERE seq = 2 AND machine_id = ')" +
                        to_string(one->machine) + R"('"})");
  const auto at = row.body.find("[[\"");
  ASSERT_NE(at, std::string::npos) << row.body;
  const auto trace_id = row.body.substr(at + 3, 32);
  const auto by_trace = testing::get(api(), "/api/v1/trace/" + trace_id, token());
  EXPECT_EQ(by_trace.status, 200) << by_trace.body;
  EXPECT_THAT(by_trace.body, HasSubstr(R"("matched_by":"trace_id")"));
  EXPECT_THAT(by_trace.body, HasSubstr(R"("is_root":true)"));
  EXPECT_THAT(by_trace.body, HasSubstr(R"("seq":2)"));
  EXPECT_THAT(testing::get(api(), "/api/v1/trace/" + trace_id.substr(0, 20), token()).body,
              HasSubstr(R"("matched_by":"trace_id")"));
  EXPECT_THAT(testing::get(api(), "/api/v1/trace/" + to_string(one->machine), token()).body,
              HasSubstr(R"("matched_by":"machine_id")"));
  EXPECT_EQ(testing::get(api(), "/api/v1/trace/ffffffffffffffff", token()).status, 404);
  EXPECT_EQ(testing::get(api(), "/api/v1/trace/nonsense", token()).status, 400);
}

TEST_F(MixerApiTest, PagesOfAListCoverEveryRowOnce) {
  const auto one = rack("paged");
  ASSERT_TRUE(one->bus);
  one->publish(testing::audit_block(one->machine, 1, 25));
  ASSERT_TRUE(one->receipt_to(25));
  const auto listed = testing::get_pages(api(), "/api/v1/transactions?rack=paged&limit=10", token());
  ASSERT_EQ(listed.status, 200);
  EXPECT_EQ(listed.rows, 25U);
  const auto csv = testing::get(api(), "/api/v1/spans?rack=paged&limit=5", token(), "Accept: text/csv\r\n");
  EXPECT_EQ(std::count(csv.body.begin(), csv.body.end(), '\n'), 6) << csv.body;
  EXPECT_THAT(csv.head, HasSubstr("Next-Cursor: "));
  EXPECT_EQ(testing::get(api(), "/api/v1/logs?rack=paged&since=1h", token()).status, 200);
  EXPECT_EQ(testing::get(api(), "/api/v1/metrics?rack=paged", token()).status, 200);
}

TEST_F(MixerApiTest, TailShowsATransactionWhenItIsStored) {
  const auto one = rack("tailed");
  ASSERT_TRUE(one->bus);
  const int fd = testing::connect_to(api());
  ASSERT_GE(fd, 0);
  ASSERT_TRUE(
      testing::send_all(fd, "GET /api/v1/tail?rack=tailed HTTP/1.1\r\nHost: mixer\r\nAuthorization: Bearer " +
                                token() + "\r\n\r\n"));
  EXPECT_THAT(testing::read_until(fd, "\r\n\r\n"), HasSubstr("application/x-ndjson"));
  one->publish(testing::audit_block(one->machine, 1, 2));
  EXPECT_THAT(testing::read_until(fd, "\"sequence\":2"), HasSubstr(R"("rack":"tailed")"));
  ::close(fd);
}

TEST_F(MixerApiTest, RequestsWithoutTheTokenAreRefusedAndProbesAreNot) {
  EXPECT_EQ(testing::get(api(), "/api/v1/status", "wrong").status, 401);
  EXPECT_EQ(testing::send_request(api(), "GET /api/v1/racks HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n")
                .status,
            401);
  EXPECT_EQ(testing::get(api(), "/livez", "").status, 200);
  EXPECT_EQ(testing::get(api(), "/readyz", "").status, 200);
  EXPECT_EQ(testing::get(api(), "/openapi.yaml", "").status, 200);
  EXPECT_EQ(std::filesystem::status(world_->config.token_path()).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(MixerApiTest, MalformedAndOversizeRequestsAreAnsweredInHttpsOwnWords) {
  EXPECT_EQ(testing::send_request(api(), "NONSENSE\r\n\r\n").status, 400);
  EXPECT_EQ(testing::get(api(), "/api/v1/transactions?limit=zero", token()).status, 400);
  EXPECT_EQ(testing::get(api(), "/api/v1/transactions?rak=x", token()).status, 400);
  EXPECT_EQ(testing::get(api(), "/api/v1/transactions?cursor=x~y", token()).status, 400);
  EXPECT_EQ(testing::get(api(), "/api/v1/transactions?rack=%zz", token()).status, 400);
  EXPECT_EQ(testing::get(api(), "/nothing", token()).status, 404);
  EXPECT_EQ(testing::post(api(), "/api/v1/racks", token(), "{}").status, 405);
  EXPECT_EQ(testing::post(api(), "/api/v1/sql", token(), "no json").status, 400);
  EXPECT_EQ(testing::post(api(), "/api/v1/sql", token(), std::string((1U << 20) + 1, 'x')).status, 413);
  EXPECT_EQ(testing::get(api(), "/livez", "", "X-Long: " + std::string(20'000, 'x') + "\r\n").status, 431);
}

TEST_F(MixerApiTest, SqlIsReadOnlyAndBoundParametersStayValues) {
  EXPECT_EQ(testing::post(api(), "/api/v1/sql", token(), R"({"sql":"DELETE FROM racks"})").status, 400);
  EXPECT_EQ(testing::get(api(), "/api/v1/sql?q=SELECT+1+AS+one", token()).body,
            R"({"columns":[{"name":"one","type":"INTEGER"}],"rows":[[1]],"truncated":false})"
            "\n");
  const auto reply = testing::get(api(), "/api/v1/transactions?rack=x'%20OR%20'1'='1", token());
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr(R"("transactions":[])"));
}

}  // namespace
}  // namespace fluxrig::mixer
