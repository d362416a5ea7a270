// Who this rack is: its machine_id and certificate, and the key of its tokens. Read once at start.
#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "rack/scenario.hpp"
#include "sanitize/sanitizer.hpp"
#include "snake/pki/certificate.hpp"

namespace fluxrig::rack {

struct Identity {
  MachineId machine_id;
  sanitize::TokenKeys token_keys;
  std::optional<snake::CertificateFiles> certificates;  // nullopt: no mixer
};

// With a mixer: <certificates>/ca.crt, <rack>.crt, <rack>.key and token.key, as 'fluxrig pki issue' lays them
// out; checked to be a pair, in time, and signed by the authority. Without: a machine_id and a key of its own
// in the data directory, made at the first start. The keys come from the scenario's command instead, if it
// has one, which may take its time.
[[nodiscard]] Outcome<Identity> load_identity(const Scenario& scenario, const Clock& clock, Random& random);

}  // namespace fluxrig::rack
