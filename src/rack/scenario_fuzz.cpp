// Any bytes as a scenario: a sound graph or complaints that can be shown. The catalogue is small and touches
// no network; its names are short so that mutations find them.
#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "rack/scenario.hpp"

namespace {

using fluxrig::gear::GearType;
using fluxrig::gear::Option;
using fluxrig::gear::OptionType;
using fluxrig::gear::Role;
using fluxrig::gear::Settings;

std::vector<GearType> small_catalogue() {
  const std::vector<Option> every_type = {
      {.name = "text", .type = OptionType::kText},
      {.name = "count", .type = OptionType::kInteger, .minimum = 0, .maximum = 9},
      {.name = "ratio", .type = OptionType::kNumber},
      {.name = "on", .type = OptionType::kBoolean},
      {.name = "time", .type = OptionType::kDuration, .fallback = "5s"},
      {.name = "size", .type = OptionType::kSize},
      {.name = "kind", .type = OptionType::kChoice, .choices = {"left", "right"}},
      {.name = "connect", .type = OptionType::kAddress},
      {.name = "rules", .type = OptionType::kMaps, .items = {{.name = "path", .required = true}}},
      {.name = "any", .type = OptionType::kFree},
  };
  return {{.name = "in",
           .role = Role::kIngress,
           .options = {{.name = "listen", .type = OptionType::kListen, .fallback = ":0"}}},
          {.name = "mid", .options = every_type},
          {.name = "route",
           .options = {{.name = "cases", .type = OptionType::kTexts}},
           .ports = {"*"},
           .settings_ports = [](const Settings& settings) { return settings.texts("cases"); }},
          {.name = "out", .role = Role::kEgress}};
}

void check(const fluxrig::rack::Scenario& scenario) {
  bool has_ingress = false;
  for (std::size_t i = 0; i < scenario.gears.size(); ++i) {
    const auto& entry = scenario.gears[i];
    FR_ASSERT(entry.type != nullptr);
    has_ingress = has_ingress || entry.type->role == Role::kIngress;
    for (std::size_t port = 0; port < entry.ports.size(); ++port) {
      const auto target = scenario.target(i, static_cast<std::uint16_t>(port));
      FR_ASSERT(target && *target < scenario.gears.size());
      FR_ASSERT(scenario.gears[*target].type->role != Role::kIngress);
    }
  }
  FR_ASSERT(has_ingress);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<GearType> types = small_catalogue();
  const std::string_view text = fluxrig::as_text({data, size});
  const auto loaded = fluxrig::rack::load(text, "", types);
  if (loaded) {
    check(*loaded);
    return 0;
  }
  FR_ASSERT(!loaded.error().empty());
  FR_ASSERT(!fluxrig::rack::report(loaded.error(), "f.yaml", text).empty());
  return 0;
}
