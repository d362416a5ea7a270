#include "rack/sampler_environment.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string_view>

namespace fluxrig::rack {
namespace {

constexpr std::string_view kSampler = "OTEL_TRACES_SAMPLER";
constexpr std::string_view kArgument = "OTEL_TRACES_SAMPLER_ARG";
constexpr std::string_view kRatio = "FLUXRIG_TELEMETRY_SAMPLING_RATIO";

std::string_view value_of(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string_view{} : std::string_view{found->second};
}

bool is_ratio(std::string_view text) {
  double ratio = -1;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), ratio);
  return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size() && ratio >= 0 && ratio <= 1;
}

}  // namespace

std::vector<std::string> apply_sampler(const Environment& otel, Environment& variables) {
  std::vector<std::string> warnings;
  const auto sampler = value_of(otel, kSampler);
  const auto argument = value_of(otel, kArgument);
  if (sampler.empty()) return warnings;
  std::string ratio;
  if (sampler == "parentbased_always_on") {
    ratio = "1";
  } else if (sampler == "parentbased_always_off") {
    ratio = "0";
  } else if (sampler == "parentbased_traceidratio") {
    ratio = argument.empty() || !is_ratio(argument) ? "1" : std::string(argument);
    if (!argument.empty() && !is_ratio(argument))
      warnings.push_back(
          fmt::format("{} is ignored: '{}' is no ratio from 0 to 1", kArgument, argument.substr(0, 64)));
  } else {
    warnings.push_back(fmt::format(
        "{} is ignored: '{}' is not known; one of: parentbased_always_on, parentbased_always_off, "
        "parentbased_traceidratio (a rack goes by the caller's flag, always)",
        kSampler, sampler.substr(0, 64)));
    return warnings;
  }
  variables.emplace(kRatio, std::move(ratio));
  return warnings;
}

}  // namespace fluxrig::rack
