#include "otlp/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_gate.hpp"

namespace fluxrig::otlp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

std::vector<std::string> complaints_of(std::string_view text, ExportSettings& settings) {
  const auto root = yaml::parse(text);
  EXPECT_TRUE(root);
  std::vector<yaml::Complaint> complaints;
  read_section(*root->find("export"), settings, complaints);
  std::vector<std::string> rendered;
  for (const auto& complaint : complaints)
    rendered.push_back(yaml::render(complaint, "mixer.yaml", text, pass_unsearched));
  return rendered;
}

ExportSettings section(std::string_view text) {
  ExportSettings settings;
  EXPECT_THAT(complaints_of(text, settings), IsEmpty());
  return settings;
}

ExportSettings variables(std::vector<std::string> environment, std::size_t warnings = 0,
                         ExportSettings settings = {}) {
  EXPECT_THAT(apply_environment(environment, settings), SizeIs(warnings));
  return settings;
}

TEST(ExportUrl, PartsAreTakenApart) {
  EXPECT_EQ(parse_url("http://collector:4318"), (Url{false, "collector", 4318, ""}));
  EXPECT_EQ(parse_url("HTTPS://a.example/x/?key=1"), (Url{true, "a.example", 443, "/x/?key=1"}));
  EXPECT_EQ(parse_url("http://[::1]:9/p"), (Url{false, "::1", 9, "/p"}));
  EXPECT_EQ(parse_url("http://a?q"), (Url{false, "a", 80, "/?q"}));
}

TEST(ExportUrl, WhatIsNoUrlIsRefused) {
  for (const auto* text : {"", "collector:4318", "http://", "http://:4318", "ftp://a", "http://user:secret@a",
                           "http://a:0", "http://a:99999", "http://a:", "http://[::1", "http://[::1]x",
                           "http://a/#f", "http://a/b c", "http://a\r\nx: y", "://a"})
    EXPECT_FALSE(parse_url(text)) << text;
}

TEST(ExportSettings, NothingIsExportedUntilAnEndpointIsSaid) {
  const ExportSettings settings;
  for (const auto signal : kAllSignals) EXPECT_FALSE(settings.target(signal));
}

TEST(ExportSettings, TheSignalsPathIsPutBelowTheGeneralEndpointOnly) {
  EXPECT_EQ(section("export: { endpoint: \"http://a:1\" }").target(Signal::kSpans)->url.path, "/v1/traces");
  EXPECT_EQ(section("export: { endpoint: \"http://a:1/\" }").target(Signal::kMetrics)->url.path,
            "/v1/metrics");
  EXPECT_EQ(section("export: { endpoint: \"http://a:1/up\" }").target(Signal::kLogs)->url.path,
            "/up/v1/logs");
  EXPECT_EQ(section("export: { endpoint: \"http://a:1/up/?k=v\" }").target(Signal::kLogs)->url.path,
            "/up/v1/logs?k=v");
  const auto own = section("export: { endpoint: \"http://a:1\", traces: { endpoint: \"http://b:2\" } }");
  EXPECT_EQ(own.target(Signal::kSpans)->url, (Url{false, "b", 2, "/"}));
  EXPECT_EQ(own.target(Signal::kLogs)->url, (Url{false, "a", 1, "/v1/logs"}));
}

TEST(ExportSettings, EveryKeyOfTheSectionIsRead) {
  const auto settings = section(
      "export:\n"
      "  endpoint: https://a:1\n"
      "  headers: { authorization: Bearer x, x-tenant: \"7\" }\n"
      "  timeout_ms: 500\n"
      "  compression: gzip\n"
      "  protocol: http/json\n"
      "  tls: { ca: ca.pem, certificate: c.pem, key: k.pem }\n"
      "  queue: 2MiB\n"
      "  flush_ms: 100\n"
      "  retry: { first_ms: 10, most_ms: 20, give_up_ms: 30 }\n"
      "  logs: { enabled: false }\n"
      "  metrics: { headers: {}, compression: none, timeout_ms: 7 }\n");
  const auto traces = settings.target(Signal::kSpans);
  ASSERT_TRUE(traces);
  EXPECT_THAT(traces->headers,
              ElementsAre(testing::Pair("authorization", "Bearer x"), testing::Pair("x-tenant", "7")));
  EXPECT_EQ(traces->timeout_ms, 500U);
  EXPECT_EQ(traces->compression, Compression::kGzip);
  EXPECT_EQ(traces->protocol, Protocol::kHttpJson);
  EXPECT_EQ(traces->ca, "ca.pem");
  EXPECT_EQ(traces->certificate, "c.pem");
  EXPECT_EQ(traces->key, "k.pem");
  EXPECT_EQ(settings.queue_bytes, 2U << 20);
  EXPECT_EQ(settings.flush_ms, 100U);
  EXPECT_EQ(settings.backoff.first, 10 * kNanosPerMilli);
  EXPECT_EQ(settings.backoff.most, 20 * kNanosPerMilli);
  EXPECT_EQ(settings.backoff.give_up, 30 * kNanosPerMilli);
  EXPECT_FALSE(settings.target(Signal::kLogs));
  const auto metrics = settings.target(Signal::kMetrics);
  EXPECT_THAT(metrics->headers, IsEmpty());
  EXPECT_EQ(metrics->compression, Compression::kNone);
  EXPECT_EQ(metrics->timeout_ms, 7U);
}

TEST(ExportSettings, EveryMistakeIsNamedWithItsPlace) {
  ExportSettings settings;
  const auto complaints = complaints_of(
      "export:\n"
      "  endpoit: http://a\n"
      "  endpoint: a:4318/\n"
      "  protocol: grcp\n"
      "  headers: { host: x }\n"
      "  queue: 3\n"
      "  traces: { timeout_ms: 0, tls: { cert: x } }\n"
      "  logs: 5\n"
      "  retry: { first_ms: -1 }\n",
      settings);
  ASSERT_THAT(complaints, SizeIs(9));
  EXPECT_THAT(complaints[0], HasSubstr("mixer.yaml:2:3: unknown key 'export.endpoit'"));
  EXPECT_THAT(complaints[0], HasSubstr("did you mean 'endpoint'?"));
  EXPECT_THAT(complaints[1], HasSubstr("mixer.yaml:3:13: 'export.endpoint': 'a:4318/' is no URL"));
  EXPECT_THAT(complaints[2], HasSubstr("'grcp' is not known; one of: grpc, http/protobuf, http/json"));
  EXPECT_THAT(complaints[3], HasSubstr("'host' is set by the exporter itself"));
  EXPECT_THAT(complaints[4], HasSubstr("from 1MiB to 16GiB"));
  EXPECT_THAT(complaints[5], HasSubstr("mixer.yaml:7:25: 'export.traces.timeout_ms'"));
  EXPECT_THAT(complaints[6], HasSubstr("unknown key 'export.traces.tls.cert'"));
  EXPECT_THAT(complaints[7], HasSubstr("'export.logs' is a group of keys"));
  EXPECT_THAT(complaints[8], HasSubstr("'first_ms' is a whole number"));
}

TEST(ExportSettings, ACertificateNeedsItsKeyFromTheSamePlace) {
  EXPECT_FALSE(section("export: { endpoint: \"https://a\", tls: { certificate: c, key: k } }").fault());
  EXPECT_TRUE(section("export: { endpoint: \"https://a\", tls: { certificate: c } }").fault());
  const auto mixed = section(
      "export: { endpoint: \"https://a\", tls: { certificate: c, key: k }, logs: { tls: { certificate: d } } "
      "}");
  EXPECT_THAT(mixed.fault().value_or(""), HasSubstr("export of logs"));
}

TEST(ExportEnvironment, EveryVariableOfTheExporterIsRead) {
  const auto settings =
      variables({"OTEL_EXPORTER_OTLP_ENDPOINT=https://a:1/base",
                 "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20x%2Cy, x-tenant = 7 ",
                 "OTEL_EXPORTER_OTLP_TIMEOUT=250", "OTEL_EXPORTER_OTLP_COMPRESSION=gzip",
                 "OTEL_EXPORTER_OTLP_PROTOCOL=http/json", "OTEL_EXPORTER_OTLP_CERTIFICATE=ca.pem",
                 "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=c.pem", "OTEL_EXPORTER_OTLP_CLIENT_KEY=k.pem",
                 "OTEL_EXPORTER_OTLP_INSECURE=true"});
  const auto traces = settings.target(Signal::kSpans);
  ASSERT_TRUE(traces);
  EXPECT_EQ(traces->url, (Url{true, "a", 1, "/base/v1/traces"}));
  EXPECT_THAT(traces->headers,
              ElementsAre(testing::Pair("authorization", "Bearer x,y"), testing::Pair("x-tenant", "7")));
  EXPECT_EQ(traces->timeout_ms, 250U);
  EXPECT_EQ(traces->compression, Compression::kGzip);
  EXPECT_EQ(traces->protocol, Protocol::kHttpJson);
  EXPECT_EQ(traces->ca, "ca.pem");
  EXPECT_EQ(traces->certificate, "c.pem");
  EXPECT_EQ(traces->key, "k.pem");
}

TEST(ExportEnvironment, ASignalsOwnVariablesGoBeforeTheGeneralOnes) {
  const auto settings =
      variables({"OTEL_EXPORTER_OTLP_ENDPOINT=http://a:1",
                 "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://b:2/as/it/stands",
                 "OTEL_EXPORTER_OTLP_LOGS_HEADERS=k=own", "OTEL_EXPORTER_OTLP_HEADERS=k=general,l=general",
                 "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION=gzip", "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT=5"});
  EXPECT_EQ(settings.target(Signal::kMetrics)->url, (Url{false, "b", 2, "/as/it/stands"}));
  EXPECT_THAT(settings.target(Signal::kLogs)->headers, ElementsAre(testing::Pair("k", "own")));
  EXPECT_EQ(settings.target(Signal::kSpans)->compression, Compression::kGzip);
  EXPECT_EQ(settings.target(Signal::kLogs)->compression, Compression::kNone);
  EXPECT_EQ(settings.target(Signal::kLogs)->timeout_ms, 5U);
}

TEST(ExportEnvironment, EmptyMeansUnset) {
  const auto settings = variables({"OTEL_EXPORTER_OTLP_ENDPOINT=", "OTEL_EXPORTER_OTLP_TIMEOUT=",
                                   "OTEL_SDK_DISABLED=", "OTEL_SERVICE_NAME=", "OTEL_EXPORTER_OTLP_HEADERS="},
                                  0, section("export: { endpoint: \"http://a:1\", timeout_ms: 5 }"));
  EXPECT_EQ(settings.target(Signal::kLogs)->timeout_ms, 5U);
  EXPECT_FALSE(settings.general.headers);
}

TEST(ExportEnvironment, BadValuesWarnAndAreIgnored) {
  for (const auto* variable :
       {"OTEL_EXPORTER_OTLP_ENDPOINT=a:4318", "OTEL_EXPORTER_OTLP_TIMEOUT=soon",
        "OTEL_EXPORTER_OTLP_TIMEOUT=0", "OTEL_EXPORTER_OTLP_COMPRESSION=zstd",
        "OTEL_EXPORTER_OTLP_PROTOCOL=grpcs", "OTEL_EXPORTER_OTLP_INSECURE=maybe", "OTEL_SDK_DISABLED=1",
        "OTEL_TRACES_EXPORTER=zipkin", "OTEL_EXPORTER_OTLP_HEADERS=novalue",
        "OTEL_EXPORTER_OTLP_HEADERS=a=%zz", "OTEL_EXPORTER_OTLP_HEADERS=a=%4",
        "OTEL_EXPORTER_OTLP_HEADERS==x", "OTEL_EXPORTER_OTLP_HEADERS=a=%0d%0ainjected:%201",
        "OTEL_EXPORTER_OTLP_HEADERS=content-length=5", "OTEL_RESOURCE_ATTRIBUTES=a=1,b",
        "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT=-1"}) {
    const auto settings = variables({variable}, 1, section("export: { endpoint: \"http://a:1\" }"));
    EXPECT_EQ(settings.target(Signal::kLogs)->timeout_ms, 10'000U) << variable;
    EXPECT_THAT(settings.target(Signal::kLogs)->headers, IsEmpty()) << variable;
    EXPECT_FALSE(settings.disabled) << variable;
    EXPECT_THAT(settings.resource_attributes, IsEmpty()) << variable;
  }
}

TEST(ExportEnvironment, TheTemporalityIsPreferredInAnyCase) {
  const std::string name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=";
  EXPECT_EQ(variables({}).temporality, Temporality::kCumulative);
  EXPECT_EQ(variables({name + "DELTA"}).temporality, Temporality::kDelta);
  EXPECT_EQ(variables({name + "LowMemory"}).temporality, Temporality::kDelta);
  EXPECT_EQ(variables({name + "cumulative"}, 0, section("export: { temporality: delta }")).temporality,
            Temporality::kCumulative);
  EXPECT_EQ(variables({name}, 0, section("export: { temporality: delta }")).temporality, Temporality::kDelta)
      << "empty is unset";
  EXPECT_EQ(variables({name + "gauge"}, 1).temporality, Temporality::kCumulative);
  ExportSettings settings;
  EXPECT_THAT(complaints_of("export: { temporality: lowmemory }", settings), SizeIs(1));
}

TEST(ExportEnvironment, AWarningNeverHoldsTheValueOfAHeader) {
  ExportSettings settings;
  const std::vector<std::string> environment{"OTEL_EXPORTER_OTLP_HEADERS=authorization=s3cr3t%0a",
                                             "OTEL_EXPORTER_OTLP_ENDPOINT=http://user:s3cr3t@a"};
  const auto warnings = apply_environment(environment, settings);
  ASSERT_THAT(warnings, SizeIs(2));
  for (const auto& warning : warnings) EXPECT_THAT(warning, Not(HasSubstr("s3cr3t")));
}

TEST(ExportEnvironment, ItGoesBeforeTheFileWordByWord) {
  const auto settings = variables(
      {"OTEL_EXPORTER_OTLP_ENDPOINT=http://env:1"}, 0,
      section(
          "export: { endpoint: \"http://file:1\", timeout_ms: 5, logs: { endpoint: \"http://own:1/x\" } }"));
  EXPECT_EQ(settings.target(Signal::kSpans)->url.host, "env");
  EXPECT_EQ(settings.target(Signal::kSpans)->timeout_ms, 5U);
  EXPECT_EQ(settings.target(Signal::kLogs)->url.host, "own");  // what is said of one signal goes before
}

TEST(ExportEnvironment, TheWholeOrOneSignalIsSwitchedOff) {
  const auto file = section("export: { endpoint: \"http://a:1\" }");
  const auto off = variables({"OTEL_SDK_DISABLED=True"}, 0, file);
  for (const auto signal : kAllSignals) EXPECT_FALSE(off.target(signal));
  const auto one = variables({"OTEL_METRICS_EXPORTER=none", "OTEL_LOGS_EXPORTER=otlp"}, 0, file);
  EXPECT_FALSE(one.target(Signal::kMetrics));
  EXPECT_TRUE(one.target(Signal::kLogs));
}

TEST(ExportEnvironment, TheResourceIsNamed) {
  const auto attributes =
      variables({"OTEL_RESOURCE_ATTRIBUTES=service.name=s,deployment.environment.name=a%20b"});
  EXPECT_EQ(attributes.service_name, "s");
  EXPECT_THAT(attributes.resource_attributes,
              ElementsAre(testing::Pair("deployment.environment.name", "a b")));
  const auto named = variables({"OTEL_RESOURCE_ATTRIBUTES=service.name=s", "OTEL_SERVICE_NAME=n"});
  EXPECT_EQ(named.service_name, "n");
}

}  // namespace
}  // namespace fluxrig::otlp
