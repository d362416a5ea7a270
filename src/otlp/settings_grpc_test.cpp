// What of the settings is gRPC's own: endpoints without scheme, INSECURE, no path.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/test_gate.hpp"
#include "otlp/settings.hpp"

namespace fluxrig::otlp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ExportSettings section(std::string_view text, std::vector<std::string>* complaints = nullptr) {
  const auto root = yaml::parse(text);
  EXPECT_TRUE(root);
  ExportSettings settings;
  std::vector<yaml::Complaint> found;
  read_section(*root->find("export"), settings, found);
  EXPECT_TRUE(found.empty() || complaints != nullptr);
  for (const auto& complaint : found)
    if (complaints != nullptr)
      complaints->push_back(yaml::render(complaint, "mixer.yaml", text, pass_unsearched));
  return settings;
}

std::vector<std::string> apply(const std::vector<std::string>& environment, ExportSettings& settings) {
  return apply_environment(environment, settings);
}

TEST(ExportEndpoint, WithoutASchemeItIsAHostAndAPort) {
  EXPECT_EQ(parse_endpoint("collector:9"), (Url{false, "collector", 9, "", false}));
  EXPECT_EQ(parse_endpoint("collector"), (Url{false, "collector", kGrpcPort, "", false}));
  EXPECT_EQ(parse_endpoint("[::1]:9"), (Url{false, "::1", 9, "", false}));
  EXPECT_EQ(parse_endpoint("https://a:1"), (Url{true, "a", 1, ""}));
  for (const auto* text : {"", ":9", "a:", "a:0", "a/b", "a:9/", "user@a", "dns:///a", "unix:/run/a", "a b"})
    EXPECT_FALSE(parse_endpoint(text)) << text;
}

TEST(GrpcSettings, ASchemeDecidesAboutTlsAndInsecureOnlyWithoutOne) {
  const auto is_tls = [](std::string_view endpoint, std::string_view insecure) {
    ExportSettings settings;
    EXPECT_THAT(
        apply({"OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_ENDPOINT=" + std::string(endpoint),
               "OTEL_EXPORTER_OTLP_INSECURE=" + std::string(insecure)},
              settings),
        IsEmpty());
    return settings.target(Signal::kLogs)->url.tls;
  };
  EXPECT_TRUE(is_tls("a:4317", ""));
  EXPECT_TRUE(is_tls("a:4317", "false"));
  EXPECT_FALSE(is_tls("a:4317", "True"));
  EXPECT_TRUE(is_tls("https://a:4317", "true"));
  EXPECT_FALSE(is_tls("http://a:4317", "false"));
}

TEST(GrpcSettings, InsecureOfASignalGoesBeforeTheGeneralOne) {
  const auto settings =
      section("export: { endpoint: \"a:1\", protocol: grpc, insecure: true, logs: { insecure: false } }");
  EXPECT_FALSE(settings.target(Signal::kSpans)->url.tls);
  EXPECT_TRUE(settings.target(Signal::kLogs)->url.tls);
}

TEST(GrpcSettings, ThePathOfASignalIsNotPutBelowTheEndpoint) {
  const auto settings =
      section("export: { endpoint: \"http://a:1\", protocol: grpc, logs: { protocol: http/json } }");
  EXPECT_EQ(settings.target(Signal::kSpans)->protocol, Protocol::kGrpc);
  EXPECT_EQ(settings.target(Signal::kSpans)->url.path, "/");
  EXPECT_EQ(settings.target(Signal::kLogs)->url.path, "/v1/logs");
}

TEST(GrpcSettings, InASectionAnEndpointWithoutSchemeNeedsGrpc) {
  std::vector<std::string> complaints;
  section("export: { endpoint: \"a:4317\" }", &complaints);
  EXPECT_THAT(complaints,
              ElementsAre(HasSubstr("mixer.yaml:1:21: 'export.endpoint': without http:// or https://")));
  complaints.clear();
  section("export: { endpoint: \"a:4317\", protocol: grpc, metrics: { protocol: http/json } }", &complaints);
  EXPECT_THAT(complaints, ElementsAre(HasSubstr("'export.endpoint': without http://")));
  complaints.clear();
  section("export: { protocol: grpc, logs: { endpoint: \"a:4317\", protocol: http/json } }", &complaints);
  EXPECT_THAT(complaints, ElementsAre(HasSubstr("'export.logs.endpoint': without http://")));
}

TEST(GrpcSettings, InTheEnvironmentItIsIgnoredAndTheOneBeforeStays) {
  auto settings = section("export: { endpoint: \"http://a:1\" }");
  EXPECT_THAT(apply({"OTEL_EXPORTER_OTLP_ENDPOINT=b:4317"}, settings),
              ElementsAre(HasSubstr("OTEL_EXPORTER_OTLP_ENDPOINT is ignored: without http://")));
  EXPECT_EQ(settings.target(Signal::kSpans)->url.host, "a");
  EXPECT_FALSE(settings.fault());
}

TEST(GrpcSettings, AVariableThatTakesGrpcAwayFromSuchAnEndpointIsAFault) {
  auto settings = section("export: { endpoint: \"a:4317\", protocol: grpc }");
  EXPECT_FALSE(settings.fault());
  EXPECT_THAT(apply({"OTEL_EXPORTER_OTLP_LOGS_PROTOCOL=http/json"}, settings), IsEmpty());
  EXPECT_THAT(settings.fault().value_or(""), HasSubstr("export of logs: the endpoint 'a' needs a scheme"));
}

TEST(GrpcSettings, HeadersOfGrpcItselfAreRefused) {
  for (const auto* name : {"te", "grpc-timeout", "Grpc-Encoding", "grpc-status"})
    EXPECT_TRUE(check_header(name, "x")) << name;
  EXPECT_FALSE(check_header("authorization", "Bearer x"));
}

}  // namespace
}  // namespace fluxrig::otlp
