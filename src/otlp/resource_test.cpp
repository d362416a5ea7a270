#include "otlp/resource.hpp"

#include <gtest/gtest.h>

#include "otlp/otlp_fixture.hpp"

namespace fluxrig::otlp {
namespace {

const std::string* text_of(const std::vector<model::Attribute>& attributes, std::string_view key) {
  for (const auto& attribute : attributes)
    if (attribute.key == key) return std::get_if<std::string>(&attribute.value);
  return nullptr;
}

// Python: uuid.uuid5(uuid.UUID('4d63009a-8d0f-11ee-aad7-4c796ed8e320'),
// '8c6f2a5e-1d3b-4c7f-9a0e-1f2d3c4b5a69/2')
TEST(InstanceId, IsTheUuidOfTheNameInTheNamespaceOfTheConventions) {
  EXPECT_EQ(instance_id(model::golden::machine_id(), {2}), "31b420dd-3c53-53c1-98e9-5bb08b90e828");
}

TEST(InstanceId, DiffersByMachineAndByStart) {
  MachineId other = model::golden::machine_id();
  other.bytes[15] ^= 1;
  EXPECT_NE(instance_id(model::golden::machine_id(), {2}), instance_id(model::golden::machine_id(), {3}));
  EXPECT_NE(instance_id(model::golden::machine_id(), {2}), instance_id(other, {2}));
}

TEST(ResourceAttributes, SayServiceSdkAndRack) {
  const auto attributes = resource_attributes(test::edge());
  EXPECT_EQ(*text_of(attributes, "service.name"), "edge");
  EXPECT_EQ(*text_of(attributes, "service.version"), "0.1.0");
  EXPECT_EQ(*text_of(attributes, "service.instance.id"), instance_id(model::golden::machine_id(), {2}));
  EXPECT_EQ(*text_of(attributes, "telemetry.sdk.name"), "fluxrig");
  EXPECT_EQ(*text_of(attributes, "telemetry.sdk.language"), "cpp");
  EXPECT_EQ(*text_of(attributes, "telemetry.sdk.version"), "0.1.0");
  EXPECT_EQ(*text_of(attributes, "fluxrig.rack"), "edge");
  EXPECT_EQ(*text_of(attributes, "fluxrig.machine_id"), "8c6f2a5e-1d3b-4c7f-9a0e-1f2d3c4b5a69");
  const auto epoch = std::find_if(attributes.begin(), attributes.end(),
                                  [](const auto& one) { return one.key == "fluxrig.epoch"; });
  ASSERT_NE(epoch, attributes.end());
  EXPECT_EQ(epoch->value, model::Value(std::int64_t{2}));
}

TEST(ResourceAttributes, AnOperatorNamesTheServiceAndAddsToIt) {
  Resource resource = test::edge();
  resource.service_name = "payments-gateway";
  resource.attributes = {{"host.name", std::string("shop-17")}};
  const auto attributes = resource_attributes(resource);
  EXPECT_EQ(*text_of(attributes, "service.name"), "payments-gateway");
  EXPECT_EQ(*text_of(attributes, "fluxrig.rack"), "edge");
  EXPECT_EQ(*text_of(attributes, "host.name"), "shop-17");
}

TEST(ResourceAttributes, LeaveOutWhatIsNotKnown) {
  Resource resource;
  resource.machine_id = model::golden::machine_id();
  const auto attributes = resource_attributes(resource);
  EXPECT_EQ(*text_of(attributes, "service.name"), "unknown_service:fluxrig");
  EXPECT_EQ(text_of(attributes, "service.version"), nullptr);
  EXPECT_EQ(text_of(attributes, "telemetry.sdk.version"), nullptr);
  EXPECT_EQ(text_of(attributes, "fluxrig.rack"), nullptr);
}

}  // namespace
}  // namespace fluxrig::otlp
