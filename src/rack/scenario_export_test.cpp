// The section telemetry.export of a scenario, and OTEL_*.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gear/catalogue.hpp"
#include "rack/scenario.hpp"

namespace fluxrig::rack {
namespace {

using otlp::Signal;
using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<gear::GearType>& catalogue() {
  static const auto all = gear::catalogue();
  return all;
}

std::string with(std::string_view telemetry) {
  return "rack: alone\ntelemetry: " + std::string(telemetry) +
         "\ngears:\n  shop: { type: http_server, listen: \"127.0.0.1:0\", routes: [ { path: /a, method: POST "
         "} ] }\n"
         "  answer: { type: respond }\nwires: [ shop -> answer ]\n";
}

Scenario loaded(std::string_view telemetry, const Environment& environment = {}) {
  const auto text = with(telemetry);
  auto scenario = load(text, "/etc/fluxrig", catalogue(), environment);
  EXPECT_TRUE(scenario) << report(scenario.error(), "alone.yaml", text);
  return scenario ? *std::move(scenario) : Scenario{};
}

TEST(ScenarioExport, WithoutAnEndpointNothingIsExported) {
  const auto scenario = loaded("{}");
  for (const auto signal : otlp::kAllSignals) EXPECT_FALSE(scenario.telemetry.exported.target(signal));
}

TEST(ScenarioExport, ItsFilesAreRelativeToTheScenarioAndItsQueueIsThatOfARack) {
  const auto scenario =
      loaded("{ export: { endpoint: \"https://a:1\", tls: { ca: ca.pem, certificate: /c, key: k } } }");
  const auto target = scenario.telemetry.exported.target(Signal::kSpans);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->ca, "/etc/fluxrig/ca.pem");
  EXPECT_EQ(target->certificate, "/c");
  EXPECT_EQ(target->key, "/etc/fluxrig/k");
  EXPECT_EQ(scenario.telemetry.exported.queue_bytes, kExportQueueBytes);
}

TEST(ScenarioExport, VariablesGoBeforeTheFileAndBadOnesWarn) {
  const auto scenario = loaded("{ export: { endpoint: \"http://a:1\" } }",
                               {{"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://b:2/logs"},
                                {"OTEL_EXPORTER_OTLP_TIMEOUT", "never"},
                                {"OTEL_SERVICE_NAME", "shop"}});
  EXPECT_EQ(scenario.telemetry.exported.target(Signal::kSpans)->url.host, "a");
  EXPECT_EQ(scenario.telemetry.exported.target(Signal::kLogs)->url.host, "b");
  EXPECT_EQ(scenario.telemetry.exported.service_name, "shop");
  EXPECT_THAT(scenario.telemetry.export_warnings,
              ElementsAre(HasSubstr("OTEL_EXPORTER_OTLP_TIMEOUT is ignored")));
}

TEST(ScenarioExport, MistakesAreNamedWithTheirPlace) {
  const auto text =
      with("{ export: { endpoit: \"http://a\", protocol: grcp, logs: { tls: { certificate: c } } } }");
  const auto scenario = load(text, "", catalogue(), {{"OTEL_EXPORTER_OTLP_ENDPOINT", "https://a"}});
  ASSERT_FALSE(scenario);
  const auto shown = report(scenario.error(), "alone.yaml", text);
  EXPECT_THAT(shown, HasSubstr("alone.yaml:2:24: unknown key 'telemetry.export.endpoit'"));
  EXPECT_THAT(shown, HasSubstr("'telemetry.export.protocol': 'grcp' is not known"));
  EXPECT_THAT(shown, HasSubstr("export of logs: a client certificate and its key go together"));
}

}  // namespace
}  // namespace fluxrig::rack
