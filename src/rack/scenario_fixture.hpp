// A small catalogue of gears and scenarios over it. Tests only.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "rack/scenario.hpp"

namespace fluxrig::rack::scenario_test {

inline const std::vector<gear::GearType>& catalogue() {
  using gear::OptionType;
  using gear::Role;
  static const std::vector<gear::GearType> types = {
      {.name = "http_server",
       .summary = "HTTP in",
       .role = Role::kIngress,
       .options = {{.name = "listen", .type = OptionType::kListen, .summary = "where", .required = true}}},
      {.name = "codec", .summary = "bytes and fields"},
      {.name = "splitter", .summary = "two ways", .ports = {"left", "right"}},
      {.name = "route",
       .summary = "chooses",
       .options = {{.name = "cases", .type = OptionType::kTexts, .required = true}},
       .ports = {"*"},
       .settings_ports = [](const gear::Settings& settings) { return settings.texts("cases"); }},
      {.name = "tcp_client",
       .summary = "TCP out",
       .role = Role::kEgress,
       .options = {{.name = "connect", .type = OptionType::kAddress, .required = true},
                   {.name = "framing",
                    .type = OptionType::kChoice,
                    .fallback = "length2",
                    .choices = {"length2", "length4", "ascii4", "newline"}}}},
  };
  return types;
}

inline constexpr std::string_view kGood = R"(rack: edge
mixer: { address: "nats://mixer.example:4222", certificates: pki }
telemetry: { audit: { durability: interval, interval: 10ms, intent: commit, disk: 1GiB }, sampling: { ratio: 0.1, slow: 1s }, backlog: { disk: 64MiB } }
gears:
  shop:   { type: http_server, listen: "127.0.0.1:0" }
  codec:  { type: codec }
  router: { type: route, cases: [visa, other] }
  bank_a: { type: tcp_client, connect: "10.1.2.3:8583" }
  bank_b: { type: tcp_client, connect: "10.1.2.4:8583", framing: ascii4 }
wires:
  - shop -> codec -> router.visa -> bank_a
  - router.other -> bank_b
)";

inline std::string with(std::string_view gears, std::string_view wires) {
  return fmt::format("rack: edge\ngears:\n{}wires: [{}]\n", gears, wires);
}

inline constexpr std::string_view kThree =
    "  shop: { type: http_server, listen: \"127.0.0.1:0\" }\n"
    "  codec: { type: codec }\n"
    "  bank: { type: tcp_client, connect: \"bank:8583\" }\n";

inline std::string three_and(std::string_view more) { return fmt::format("{}{}", kThree, more); }

inline std::vector<yaml::Complaint> complaints_of(const std::string& text,
                                                  const Environment& environment = {}) {
  auto loaded = load(text, "", catalogue(), environment);
  EXPECT_FALSE(loaded.has_value()) << text;
  return loaded ? std::vector<yaml::Complaint>{} : loaded.error();
}

inline yaml::Complaint only_complaint(const std::string& text) {
  const auto complaints = complaints_of(text);
  EXPECT_EQ(complaints.size(), 1U) << report(complaints, "edge.yaml", text);
  return complaints.empty() ? yaml::Complaint{} : complaints.front();
}

}  // namespace fluxrig::rack::scenario_test
