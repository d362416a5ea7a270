// Who emitted it: one start of one rack, as OpenTelemetry's Resource. Values only; any thread.
#pragma once

#include <string>
#include <vector>

#include "base/ids.hpp"
#include "model/records.hpp"

namespace fluxrig::otlp {

struct Resource {
  MachineId machine_id;
  Epoch epoch;
  std::string rack;
  std::string version;       // of the rack's software; empty: not known
  std::string service_name;  // empty: the rack's name
  // What else is known of it, and what an operator adds: host.*, deployment.environment.name, ...
  std::vector<model::Attribute> attributes = {};
};

// service.name, service.version, service.instance.id, telemetry.sdk.*, fluxrig.rack, .machine_id, .epoch, and
// then `attributes`. Of a key that stands there twice the first counts. docs/formats/otlp.md
[[nodiscard]] std::vector<model::Attribute> resource_attributes(const Resource& resource);

// service.instance.id: UUID version 5 (RFC 9562) over "<machine_id>/<epoch>" in the namespace that the
// semantic conventions give for it. The same for whoever exports the rack, another after each of its starts.
[[nodiscard]] std::string instance_id(const MachineId& machine, Epoch epoch);

}  // namespace fluxrig::otlp
