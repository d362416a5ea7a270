#include <fmt/core.h>
#include <gtest/gtest.h>

#include "gear/catalogue.hpp"
#include "gear/route_match.hpp"
#include "gear/test_services.hpp"
#include "gear/transaction.hpp"

namespace fluxrig::gear {
namespace {

// Keeps what reaches it and answers at once.
class Recorder final : public Gear {
 public:
  std::vector<std::string> seen;
  Step on_request(Transaction&, Message& message) override {
    seen.emplace_back(message.fields.get("3"));
    return Step::reply();
  }
};
class Entry final : public Gear {
 public:
  Step on_request(Transaction&, Message&) override { return Step::next(); }
};

struct Made {
  std::unique_ptr<Gear> gear;
  std::vector<std::string> ports;
  std::vector<yaml::Complaint> complaints;
};

Made make(std::string_view text) {
  Made made;
  const auto type = route_type();
  const auto node = yaml::parse(text);
  EXPECT_TRUE(node) << node.error().message;
  const Settings settings(*node, type.options, "", "route", made.complaints);
  if (made.complaints.empty()) type.check(settings, made.complaints);
  if (!made.complaints.empty()) return made;
  made.ports = type.settings_ports(settings);
  made.gear = type.make(settings);
  return made;
}

constexpr std::string_view kByProcessingCode =
    "field: \"3\"\n"
    "cases:\n"
    "  - { equals: \"000000\", to: sale }\n"
    "  - { prefix: \"20\", to: refund }\n"
    "  - { one_of: [\"310000\", \"311000\"], to: balance }\n"
    "  - { range: \"40-49\", to: sale }\n";

// The port (by name) that a value of element 3 takes; "none" when the request fails.
std::string port_for(const std::string& settings, const std::string& value) {
  auto made = make(settings);
  Entry entry;
  std::vector<std::unique_ptr<Recorder>> ends;
  TestServices services;
  services.add(entry, "in");
  services.add(*made.gear, "route");
  services.wire(entry, *made.gear);
  for (std::size_t i = 0; i < made.ports.size(); ++i) {
    ends.push_back(std::make_unique<Recorder>());
    services.add(*ends.back(), made.ports[i]);
    services.wire(*made.gear, *ends.back(), static_cast<std::uint16_t>(i));
  }
  EXPECT_TRUE(services.start());
  Message message;
  if (!value.empty()) message.fields.append("3", value);
  EXPECT_TRUE(services.begin(entry, {}, std::move(message)));
  for (std::size_t i = 0; i < ends.size(); ++i)
    if (!ends[i]->seen.empty()) return made.ports[i];
  EXPECT_EQ(services.ended().back().failure.code, FailureCode::kRejected);
  return "none";
}

TEST(Route, FirstCaseThatHoldsDecides) {
  const std::string settings(kByProcessingCode);
  EXPECT_EQ(port_for(settings, "000000"), "sale");
  EXPECT_EQ(port_for(settings, "201000"), "refund");
  EXPECT_EQ(port_for(settings, "311000"), "balance");
  EXPECT_EQ(port_for(settings, "450000"), "sale");
}

TEST(Route, WithoutADefaultAnUnknownOrMissingValueIsRejected) {
  const std::string settings(kByProcessingCode);
  EXPECT_EQ(port_for(settings, "500000"), "none");
  EXPECT_EQ(port_for(settings, ""), "none");
}

TEST(Route, DefaultTakesTheRest) {
  const auto settings = fmt::format("{}default: other\n", kByProcessingCode);
  EXPECT_EQ(port_for(settings, "500000"), "other");
  EXPECT_EQ(port_for(settings, ""), "other");
  EXPECT_EQ(port_for(settings, "000000"), "sale");
}

TEST(Route, PortsAreNamedOnceInTheOrderOfTheCases) {
  const auto made = make(fmt::format("{}default: refund\n", kByProcessingCode));
  EXPECT_EQ(made.ports, (std::vector<std::string>{"sale", "refund", "balance"}));
}

TEST(Route, MistakesInTheSettingsAreComplaints) {
  for (const auto* text : {"field: \"3\"\n", "field: \"3\"\ncases: [{ to: a }]\n",
                           "field: \"3\"\ncases: [{ equals: a, prefix: b, to: a }]\n",
                           "field: \"3\"\ncases: [{ range: \"9-1\", to: a }]\n",
                           "field: \"3\"\ncases: [{ range: \"1-10\", to: a }]\n",
                           "field: \"3\"\ncases: [{ range: a-b, to: a }]\n",
                           "field: \"3\"\ncases: [{ equals: a }]\n", "cases: [{ equals: a, to: b }]\n"})
    EXPECT_FALSE(make(text).complaints.empty()) << text;
}

}  // namespace
}  // namespace fluxrig::gear
