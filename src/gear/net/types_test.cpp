// The option tables of the network gears, read from YAML as a scenario does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gear/catalogue.hpp"
#include "gear/gear.hpp"

namespace fluxrig::gear {
namespace {

struct Read {
  std::unique_ptr<Gear> gear;
  std::vector<yaml::Complaint> complaints;
};

Read read(const GearType& type, std::string_view text) {
  Read result;
  const auto node = yaml::parse(text);
  EXPECT_TRUE(node.has_value());
  const Settings settings(*node, type.options, ".", "gear 'x'", result.complaints);
  if (result.complaints.empty() && type.check != nullptr) type.check(settings, result.complaints);
  if (result.complaints.empty()) result.gear = type.make(settings);
  return result;
}

TEST(NetworkGearTypes, AreMadeFromTheirRequiredOptionsAlone) {
  EXPECT_TRUE(read(http_server_type(), "{listen: '127.0.0.1:0', routes: [{path: /pay}]}").gear);
  EXPECT_TRUE(read(http_client_type(), "{url: 'http://127.0.0.1:1/v1'}").gear);
  EXPECT_TRUE(read(tcp_server_type(), "{listen: '127.0.0.1:0'}").gear);
  EXPECT_TRUE(read(tcp_client_type(), "{connect: '127.0.0.1:1'}").gear);
}

TEST(NetworkGearTypes, TellWhatIsWrongAndWhatToWrite) {
  const auto complaint = [](const GearType& type, std::string_view text) {
    const auto result = read(type, text);
    return result.complaints.empty() ? std::string() : result.complaints.front().message;
  };
  EXPECT_EQ(complaint(http_server_type(), "{listen: ':0', routes: [{path: pay}]}"),
            "the path of a route begins with '/'");
  EXPECT_EQ(complaint(http_server_type(), "{listen: ':0', routes: [{path: /a}, {path: /a}]}"),
            "another route above has the same path and method");
  EXPECT_EQ(complaint(http_client_type(), "{url: 'ftp://host'}"), "the url is not usable");
  EXPECT_EQ(complaint(tcp_client_type(), "{connect: 'a:1', reconnect_min: 2s, reconnect_max: 1s}"),
            "'reconnect_min' is longer than 'reconnect_max'");
}

}  // namespace
}  // namespace fluxrig::gear
