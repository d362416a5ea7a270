#include "rack/scenario_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/source_tree.hpp"
#include "rack/scenario_fixture.hpp"

namespace fluxrig::rack {
namespace {

using namespace scenario_test;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(ScenarioEnvironment, OverridesScalarsByTheirPath) {
  const auto loaded = load(with(kThree, "shop -> codec -> bank"), "", catalogue(),
                           {{"FLUXRIG_DATA", "/var/lib/fluxrig"},
                            {"FLUXRIG_MIXER_ADDRESS", "nats://other:4222"},
                            {"FLUXRIG_MIXER_CERTIFICATES", "/pki"},
                            {"FLUXRIG_TELEMETRY_SAMPLING_RATIO", "0.5"},
                            {"FLUXRIG_LOG_LEVEL", "warn"},
                            {"FLUXRIG_MIXER_LISTEN_API", "ignored"}});
  ASSERT_TRUE(loaded.has_value()) << report(loaded.error(), "edge.yaml", "");
  EXPECT_EQ(loaded->data, "/var/lib/fluxrig");
  ASSERT_TRUE(loaded->mixer.has_value());
  EXPECT_EQ(loaded->mixer->address, "nats://other:4222");
  EXPECT_DOUBLE_EQ(loaded->telemetry.sampling.ratio, 0.5);
  EXPECT_EQ(loaded->log.level, Severity::kWarn);
}

TEST(ScenarioEnvironment, AWrongValueNamesTheVariable) {
  const auto complaints =
      complaints_of(with(kThree, "shop -> codec -> bank"), {{"FLUXRIG_LIMITS_IN_FLIGHT", "many"}});
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_THAT(complaints[0].message,
              StartsWith("environment variable FLUXRIG_LIMITS_IN_FLIGHT: 'in_flight' must be"));
  EXPECT_EQ(complaints[0].mark.line, 0);
}

TEST(ScenarioReference, ListsOptionsWithDefaultsAndChoices) {
  const std::string page = reference_page(catalogue().back());
  EXPECT_THAT(page, StartsWith("# tcp_client\n\nTCP out\n\nEgress: ends a wire.\n"));
  EXPECT_THAT(page, HasSubstr("| `framing` | `length2`, `length4`, `ascii4`, `newline` | `length2` |"));
  EXPECT_THAT(page, HasSubstr("| `connect` | host:port | required |"));
  EXPECT_THAT(scenario_reference(),
              HasSubstr("| `FLUXRIG_TELEMETRY_AUDIT_DURABILITY` | `telemetry.audit.durability` |"));
  EXPECT_THAT(scenario_reference(), Not(HasSubstr("FLUXRIG_GEARS")));
}

TEST(ScenarioReference, DocumentationListsTheSameKeys) {
  std::ifstream file(source_tree() / "docs/scenario.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(page, HasSubstr(scenario_reference()));
}

}  // namespace
}  // namespace fluxrig::rack
