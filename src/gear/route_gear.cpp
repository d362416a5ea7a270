// The gear `route`: one of several wires, by a field of the message. docs/gears/route.md.
#include <algorithm>
#include <memory>

#include "gear/catalogue.hpp"
#include "gear/gear.hpp"
#include "gear/route_match.hpp"
#include "gear/services.hpp"
#include "gear/transaction.hpp"

namespace fluxrig::gear {

namespace {

// In the order of the cases, the default last; each once.
std::vector<std::string> port_names(const Settings& settings) {
  std::vector<std::string> ports;
  const auto add = [&](std::string name) {
    if (!name.empty() && std::find(ports.begin(), ports.end(), name) == ports.end())
      ports.push_back(std::move(name));
  };
  for (const auto& each : settings.maps("cases")) add(each.text("to"));
  add(settings.text("default"));
  return ports;
}

class RouteGear final : public Gear {
 public:
  explicit RouteGear(const Settings& settings) : field_(settings.text("field")) {
    const auto ports = port_names(settings);
    const auto port_of = [&](const std::string& name) {
      return static_cast<std::uint16_t>(std::find(ports.begin(), ports.end(), name) - ports.begin());
    };
    for (const auto& each : settings.maps("cases"))
      cases_.push_back({ValueMatch(each), port_of(each.text("to"))});
    has_default_ = settings.has("default");
    if (has_default_) default_ = port_of(settings.text("default"));
  }

  Step on_request(Transaction&, Message& message) override {
    if (const auto* value = value_of(message, field_))
      for (const auto& each : cases_)
        if (each.match.matches(*value)) return Step::next(each.port);
    if (has_default_) return Step::next(default_);
    return Step::fail(FailureCode::kRejected, "no route for this value, and no default");
  }

 private:
  struct Case {
    ValueMatch match;
    std::uint16_t port;
  };
  std::string field_;
  std::vector<Case> cases_;
  bool has_default_ = false;
  std::uint16_t default_ = 0;
};

void check(const Settings& settings, std::vector<yaml::Complaint>& complaints) {
  if (settings.maps("cases").empty() && !settings.has("default"))
    complaints.push_back({settings.mark("cases"), 1, "a route needs cases or a default", ""});
  for (const auto& each : settings.maps("cases")) {
    ValueMatch::check(each, complaints);
    if (!ValueMatch(each).has_condition())
      complaints.push_back({each.mark("equals"), 1, "a case needs a condition",
                            "give one of: equals, prefix, one_of, range; or use 'default'"});
  }
}

std::vector<Option> case_options() {
  auto options = ValueMatch::options();
  options.push_back({.name = "to", .type = OptionType::kText, .summary = "the port", .required = true});
  return options;
}

}  // namespace

GearType route_type() {
  return {
      .name = "route",
      .summary = "passes requests to one of several wires by a field of the message",
      .role = Role::kFilter,
      .options =
          {
              {.name = "field",
               .type = OptionType::kText,
               .summary = "the field (\"mti\", \"3\") or fact (\"url.path\") that decides",
               .required = true},
              {.name = "cases",
               .type = OptionType::kMaps,
               .summary = "conditions in order; the first that holds decides",
               .items = case_options()},
              {.name = "default",
               .type = OptionType::kText,
               .summary = "the port when no case holds; without it the request is rejected"},
          },
      .ports = {"*"},
      .settings_ports = port_names,
      .check = check,
      .make = [](const Settings& settings) -> std::unique_ptr<Gear> {
        return std::make_unique<RouteGear>(settings);
      },
  };
}

}  // namespace fluxrig::gear
