// The nats-server of the mixer: its configuration made from the certificate index and the gears that racks
// announced, its process, and both renewed when either changes. Control thread and main; guarded inside.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/diagnostics.hpp"
#include "base/result.hpp"
#include "mixer/config.hpp"
#include "snake/pki/certificate.hpp"
#include "snake/pki/certificate_index.hpp"
#include "snake/server_config.hpp"
#include "snake/server_process.hpp"

namespace fluxrig::mixer {

// The files of the newest certificate of this role; the problem names the command that makes one.
[[nodiscard]] Outcome<snake::CertificateFiles> certificate_of(const std::string& pki,
                                                              const snake::CertificateIndex& index,
                                                              snake::CertificateRole role);

class NatsServer {
 public:
  // Returns once it accepts connections. `diagnostics` outlives it.
  [[nodiscard]] static Outcome<std::unique_ptr<NatsServer>> start(const Config& config,
                                                                  const snake::CertificateIndex& index,
                                                                  Diagnostics& diagnostics);

  [[nodiscard]] const std::string& address() const noexcept { return address_; }  // for our own connection
  [[nodiscard]] std::uint16_t port() const noexcept { return settings_.port; }
  // New certificates: racks in the index may connect, racks that left it may not.
  [[nodiscard]] Outcome<void> reload(const snake::CertificateIndex& index);
  // Lets `rack` acknowledge what its bus gear consumes. Cheap when it may already.
  [[nodiscard]] Outcome<void> grant(const std::string& rack, const std::string& gear);

 private:
  NatsServer() = default;
  [[nodiscard]] Outcome<void> write_config();
  [[nodiscard]] Outcome<void> renew();

  std::mutex mutex_;
  snake::ServerSettings settings_;
  snake::ServerVersion version_;
  snake::CertificateIndex index_;
  snake::MessageGrants grants_;
  std::string grants_file_;
  std::string config_file_;
  std::string address_;
  std::unique_ptr<snake::ServerProcess> process_;
};

}  // namespace fluxrig::mixer
