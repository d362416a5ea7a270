// What a transaction and a log become as log records, by value, in JSON.
#include "otlp/otlp_fixture.hpp"

namespace fluxrig::otlp {
namespace {

using testing::HasSubstr;
using testing::Not;

struct OtlpLogs : test::Fixture {};

TEST_F(OtlpLogs, ATransactionIsAnAuditEventOfItsSpan) {
  auto one = model::golden::transaction();
  one.attributes = {{"http.route", std::string("/authorize")}};
  records = {one};
  first = {120331};
  received = model::golden::after(1'000'000'000);
  EXPECT_THAT(
      log_json(),
      HasSubstr(
          R"("logRecords":[{"timeUnixNano":"1795356187430400000","observedTimeUnixNano":"1795356188412000000",)"
          R"("severityNumber":17,"severityText":"ERROR",)"
          R"("body":{"stringValue":"POST /authorize failed: unknown response code"},)"
          R"("attributes":[{"key":"fluxrig.flux_id","value":{"stringValue":"0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02"}},)"
          R"({"key":"fluxrig.gear","value":{"stringValue":"shop"}},)"
          R"({"key":"fluxrig.outcome","value":{"stringValue":"failed"}},)"
          R"({"key":"fluxrig.reason","value":{"stringValue":"unknown response code"}},)"
          R"({"key":"fluxrig.redactions","value":{"arrayValue":{"values":)"
          R"([{"stringValue":"iso8583.2 token"},{"stringValue":"iso8583.35 drop"}]}}},)"
          R"({"key":"fluxrig.lane","value":{"stringValue":"audit"}},)"
          R"({"key":"fluxrig.sequence","value":{"intValue":"120331"}},)"
          R"({"key":"http.route","value":{"stringValue":"/authorize"}}],"droppedAttributesCount":1,"flags":3,)"
          R"("traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7",)"
          R"("eventName":"fluxrig.transaction"}])"));
}

TEST_F(OtlpLogs, AnAnsweredTransactionIsInformation) {
  auto one = model::golden::transaction();
  one.outcome = model::TransactionOutcome::kAnswered;
  one.reason.clear();
  one.redactions.clear();
  records = {one};
  const std::string body = log_json();
  EXPECT_THAT(
      body,
      HasSubstr(
          R"("severityNumber":9,"severityText":"INFO","body":{"stringValue":"POST /authorize answered"})"));
  EXPECT_THAT(body, Not(HasSubstr("fluxrig.reason")));
  EXPECT_THAT(body, Not(HasSubstr("fluxrig.redactions")));
}

TEST_F(OtlpLogs, ALogKeepsItsFieldsAndIsObservedWhenItWasMade) {
  records = {model::golden::log()};
  EXPECT_THAT(
      log_json(),
      HasSubstr(
          R"("logRecords":[{"timeUnixNano":"1795356187412000000","observedTimeUnixNano":"1795356187412000000",)"
          R"("severityNumber":13,"severityText":"WARN","body":{"stringValue":"rack 'edge' started"},)"
          R"("attributes":[{"key":"fluxrig.flux_id","value":{"stringValue":"0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02"}},)"
          R"({"key":"fluxrig.gear","value":{"stringValue":"shop"}},{"key":"epoch","value":{"intValue":"2"}}],)"
          R"("droppedAttributesCount":2,"traceId":"4bf92f3577b34da6a3ce929d0e0e4736",)"
          R"("spanId":"00f067aa0ba902b7","eventName":"fluxrig.rack.started"}])"));
}

TEST_F(OtlpLogs, OfALogWithoutTransactionTheIdsAreAbsent) {
  model::Log one;
  one.time = model::golden::kStart;
  records = {one};
  EXPECT_THAT(
      log_json(),
      HasSubstr(
          R"("logRecords":[{"timeUnixNano":"1795356187412000000",)"
          R"("observedTimeUnixNano":"1795356187412000000","severityNumber":9,"severityText":"INFO"}])"));
}

TEST_F(OtlpLogs, ALogOfATransactionThatIsHereHasItsFlags) {
  records = {model::golden::log(), model::golden::transaction()};
  EXPECT_EQ(test::count_of(log_json(), "\"flags\":3"), 2U);
}

TEST_F(OtlpLogs, SequencesCountEveryRecordOfTheBatch) {
  records = {model::golden::span(), model::golden::intent(), model::golden::log()};
  first = {7};
  EXPECT_THAT(log_json(), HasSubstr(test::pair_json("fluxrig.sequence", R"({"intValue":"9"})")));
}

TEST_F(OtlpLogs, SeveritiesHaveTheShortNamesOfTheDataModel) {
  const std::pair<int, std::string> cases[] = {{1, "TRACE"},  {5, "DEBUG"},   {10, "INFO2"},
                                               {14, "WARN2"}, {20, "ERROR4"}, {24, "FATAL4"}};
  for (const auto& [number, word] : cases) {
    model::Log one;
    one.severity = static_cast<std::uint8_t>(number);
    records = {one};
    EXPECT_THAT(log_json(), HasSubstr("\"severityNumber\":" + std::to_string(number) +
                                      ",\"severityText\":\"" + word + "\""));
  }
  model::Log unknown;
  unknown.severity = 0;
  records = {unknown};
  EXPECT_THAT(log_json(), Not(HasSubstr("severity")));
}

}  // namespace
}  // namespace fluxrig::otlp
