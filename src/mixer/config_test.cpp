#include "mixer/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace fluxrig::mixer {
namespace {

using testing::HasSubstr;
using testing::Not;

Outcome<Config> parse(std::string_view text, std::vector<std::string> environment = {}) {
  return parse_config("mixer.yaml", text, environment);
}

TEST(MixerConfig, EmptyFileGivesTheDefaults) {
  const auto config = parse("");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->listen_api, (Endpoint{"127.0.0.1", 7070}));
  EXPECT_FALSE(config->listen_otlp) << "no spans of services are taken until it is said where";
  EXPECT_EQ(config->otlp_token_path(), "fluxrig-mixer-data/otlp-token");
  EXPECT_EQ(config->pki_directory(), "fluxrig-mixer-data/pki");
  EXPECT_EQ(config->token_path(), "fluxrig-mixer-data/api-token");
}

TEST(MixerConfig, EveryGroupIsRead) {
  const auto config = parse(
      "data: /var/lib/fluxrig\n"
      "listen: { api: \"0.0.0.0:80\", nats: \"[::1]:4333\", otlp: \":4318\" }\n"
      "otlp: { token_file: /run/otlp }\n"
      "streams: { audit: 2GiB }\n"
      "store: { retention_days: 7, hot_hours: 1, memory_limit: 512MB }\n"
      "api: { token_file: /run/token, tls: { certificate: c.pem, key: k.pem } }\n"
      "log: { format: json, level: warn }\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->data, "/var/lib/fluxrig");
  EXPECT_EQ(config->listen_nats, (Endpoint{"::1", 4333}));
  EXPECT_EQ(config->listen_otlp, (Endpoint{"0.0.0.0", 4318}));
  EXPECT_EQ(config->otlp_token_path(), "/run/otlp");
  EXPECT_EQ(config->streams.audit_bytes, 2ULL << 30);
  EXPECT_EQ(config->retention_days, 7U);
  EXPECT_EQ(config->memory_limit_bytes, 512'000'000U);
  EXPECT_EQ(config->tls_key, "k.pem");
  EXPECT_EQ(config->log_format, DiagnosticFormat::kJson);
  EXPECT_EQ(config->log_level, Severity::kWarn);
}

TEST(MixerConfig, UnknownKeyIsNamedWithItsPlaceAndTheNearestName) {
  const auto config = parse("data: x\nlisten:\n  appi: \"127.0.0.1:1\"\n");
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr("mixer.yaml:3:3"));
  EXPECT_THAT(config.error().message, HasSubstr("unknown key 'listen.appi'"));
  EXPECT_THAT(config.error().message, HasSubstr("did you mean 'api'?"));
}

TEST(MixerConfig, EveryMistakeIsReportedNotOnlyTheFirst) {
  const auto config =
      parse("listen: { api: nonsense }\nstore: { retention_days: 0 }\nlog: { level: loud }\n");
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr("listen.api"));
  EXPECT_THAT(config.error().message, HasSubstr("store.retention_days"));
  EXPECT_THAT(config.error().message, HasSubstr("log.level"));
}

TEST(MixerConfig, EnvironmentOverridesTheFile) {
  const auto config =
      parse("listen: { api: \"127.0.0.1:1\" }\n",
            {"FLUXRIG_MIXER_LISTEN_API=127.0.0.1:9", "PATH=/bin", "FLUXRIG_MIXER_LOG_LEVEL=warn"});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->listen_api.port, 9);
  EXPECT_EQ(config->log_level, Severity::kWarn);
}

TEST(MixerConfig, ProductionIsTheDefaultAndRefusesDebugAndCoreDumpsFromFileAndEnvironment) {
  for (const auto& config : {parse("log: { level: debug }\n"), parse("", {"FLUXRIG_MIXER_LOG_LEVEL=debug"}),
                             parse("core_dumps: true\n"), parse("", {"FLUXRIG_MIXER_CORE_DUMPS=true"})}) {
    ASSERT_FALSE(config);
    EXPECT_THAT(config.error().message, HasSubstr("profile: production refuses"));
  }
  const auto loosened = parse("log: { level: debug }\n", {"FLUXRIG_MIXER_PROFILE=development"});
  ASSERT_FALSE(loosened);
  EXPECT_THAT(loosened.error().message, HasSubstr("the profile is set in the file only"));
  const auto development = parse("profile: development\nlog: { level: debug }\ncore_dumps: true\n");
  ASSERT_TRUE(development) << development.error().message;
  EXPECT_FALSE(development->production);
}

TEST(MixerConfig, UnknownVariableOfOursIsAnError) {
  const auto config = parse("", {"FLUXRIG_MIXER_LISTEN_APY=127.0.0.1:9"});
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr("did you mean FLUXRIG_MIXER_LISTEN_API?"));
}

TEST(MixerConfig, TlsNeedsBothItsFiles) { EXPECT_FALSE(parse("api: { tls: { key: k.pem } }\n")); }

TEST(MixerConfig, ReplicasNeedACluster) {
  const auto alone = parse("streams: { replicas: 3 }\n");
  ASSERT_FALSE(alone);
  EXPECT_THAT(alone.error().message, HasSubstr("3 copies need as many servers, and the mixer starts one"));
  const auto cluster = parse("nats: { address: \"nats://a:4222\" }\nstreams: { replicas: 3 }\n");
  ASSERT_TRUE(cluster) << cluster.error().message;
  EXPECT_EQ(cluster->streams.replicas, 3U);
  EXPECT_FALSE(parse("nats: { address: \"nats://a:4222\" }\nstreams: { replicas: 6 }\n"));
  EXPECT_FALSE(parse("streams: { replicas: 0 }\n"));
}

TEST(MixerConfig, TheExportIsReadFromItsSectionAndTheStandardVariables) {
  const auto config = parse("export: { endpoint: \"http://a:1\", queue: 2MiB }\n",
                            {"OTEL_EXPORTER_OTLP_LOGS_TIMEOUT=7", "OTEL_EXPORTER_OTLP_TIMEOUT=soon"});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->exporting.target(otlp::Signal::kLogs)->timeout_ms, 7U);
  EXPECT_EQ(config->exporting.queue_bytes, 2U << 20);
  ASSERT_EQ(config->warnings.size(), 1U);
  EXPECT_THAT(config->warnings[0], HasSubstr("OTEL_EXPORTER_OTLP_TIMEOUT is ignored"));
}

TEST(MixerConfig, MistakesOfTheExportHaveTheirPlace) {
  const auto config = parse("data: x\nexport:\n  endpoint: a:4318\n");
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr("mixer.yaml:3:13: 'export.endpoint'"));
  EXPECT_FALSE(parse("export: { endpoint: \"https://a\", tls: { certificate: c } }\n"));
}

TEST(MixerConfig, NoComplaintShowsHalfANumber) {
  const auto text = [](std::size_t cut) { return std::string(cut - 14, 'x') + "-4532015112830366"; };
  for (const auto& wrong :
       {"listen: { api: \"" + text(128) + "\" }\n", "streams: { replicas: " + text(64) + " }\n",
        "log: { level: " + text(64) + " }\n", text(64) + ": 1\n"}) {
    const auto config = parse(wrong);
    ASSERT_FALSE(config) << wrong;
    EXPECT_THAT(config.error().message, HasSubstr("xxx"));
    EXPECT_THAT(config.error().message, Not(HasSubstr("4532015"))) << config.error().message;
  }
}

TEST(MixerConfig, MissingFileNamesThePath) {
  const auto config = load_config("/nonexistent/mixer.yaml", {});
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr("/nonexistent/mixer.yaml"));
}

}  // namespace
}  // namespace fluxrig::mixer
