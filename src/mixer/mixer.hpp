// The whole mixer, built from its configuration and joined in order: certificates, server, bus, store,
// ingest, control, API. Owned by main; start, reload and the destructor on one thread. The destructor drains:
// racks and streams first, then the API, the store, the bus, the server last.
#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "base/result.hpp"
#include "mixer/config.hpp"

namespace fluxrig::mixer {

class Mixer {
 public:
  // Returns once everything runs. The problem names the thing and the next step; nothing is left running
  // then. `clock` and `diagnostics` outlive the mixer.
  [[nodiscard]] static Outcome<std::unique_ptr<Mixer>> start(const Config& config, const Clock& clock,
                                                             Diagnostics& diagnostics);
  ~Mixer();
  Mixer(const Mixer&) = delete;
  Mixer& operator=(const Mixer&) = delete;

  // Reads the certificate index again: new racks may connect without a restart.
  [[nodiscard]] Outcome<void> reload();

  [[nodiscard]] std::string api_address() const;   // "http://127.0.0.1:7070"
  [[nodiscard]] std::string nats_address() const;  // "tls://0.0.0.0:4222"
  [[nodiscard]] std::string otlp_address() const;  // as api_address(); empty: no spans of services are taken

 private:
  struct Parts;
  explicit Mixer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// Without starting anything: directory, certificates, nats-server. For --check.
[[nodiscard]] Outcome<void> check(const Config& config, const Clock& clock);

}  // namespace fluxrig::mixer
