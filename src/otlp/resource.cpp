#include "otlp/resource.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/assert.hpp"

namespace fluxrig::otlp {
namespace {

// 4d63009a-8d0f-11ee-aad7-4c796ed8e320
constexpr std::array<std::uint8_t, 16> kNamespace = {0x4d, 0x63, 0x00, 0x9a, 0x8d, 0x0f, 0x11, 0xee,
                                                     0xaa, 0xd7, 0x4c, 0x79, 0x6e, 0xd8, 0xe3, 0x20};

}  // namespace

std::string instance_id(const MachineId& machine, Epoch epoch) {
  std::string input(as_text({kNamespace.data(), kNamespace.size()}));
  input += fmt::format("{}/{}", to_string(machine), epoch.value);
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  FR_ASSERT(EVP_Digest(input.data(), input.size(), digest.data(), nullptr, EVP_sha1(), nullptr) == 1);
  std::array<std::uint8_t, 16> uuid{};
  std::copy_n(digest.begin(), uuid.size(), uuid.begin());
  uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0f) | 0x50);
  uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3f) | 0x80);
  return to_uuid(uuid);
}

std::vector<model::Attribute> resource_attributes(const Resource& resource) {
  const std::string& name = resource.service_name.empty() ? resource.rack : resource.service_name;
  std::vector<model::Attribute> out = {
      {"service.name", name.empty() ? std::string("unknown_service:fluxrig") : name},
      {"service.instance.id", instance_id(resource.machine_id, resource.epoch)},
      {"telemetry.sdk.name", std::string("fluxrig")},
      {"telemetry.sdk.language", std::string("cpp")},
  };
  if (!resource.version.empty()) {
    out.push_back({"service.version", resource.version});
    out.push_back({"telemetry.sdk.version", resource.version});
  }
  if (!resource.rack.empty()) out.push_back({"fluxrig.rack", resource.rack});
  out.push_back({"fluxrig.machine_id", to_string(resource.machine_id)});
  out.push_back({"fluxrig.epoch", std::int64_t{resource.epoch.value}});
  out.insert(out.end(), resource.attributes.begin(), resource.attributes.end());
  return out;
}

}  // namespace fluxrig::otlp
