// X.509 certificates, read: what a person and the server's user map need to know of one. Bytes come from
// outside: garbage yields a sentence, never a crash. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"

namespace fluxrig::snake {

struct CertificateFacts {
  std::string subject;  // "CN=...,OU=rack,O=fluxrig": as nats-server prints it, which is its user name
  std::string common_name;
  std::string unit;    // OU: rack, mixer, server, client, authority
  std::string serial;  // lower-case hex
  UnixNanos not_before;
  UnixNanos not_after;
  std::vector<std::string> hosts;  // DNS names and addresses
  bool authority = false;
};

inline constexpr std::size_t kMaxCertificateBytes = 64U << 10;

// `name` is what the sentence calls it. Takes the first certificate of the PEM text.
[[nodiscard]] Outcome<CertificateFacts> parse_certificate(std::string_view pem, std::string_view name);
[[nodiscard]] Outcome<CertificateFacts> read_certificate(const std::string& path);

struct CertificateFiles {
  std::string authority;
  std::string certificate;
  std::string key;
};
// Readable, key and certificate a pair, signed by the authority, valid at `now`; the first that fails is the
// sentence.
[[nodiscard]] Outcome<CertificateFacts> check_certificate(const CertificateFiles& files, UnixNanos now);

// The rack's identity: the common name of its certificate, a UUID, with the unit "rack".
[[nodiscard]] Outcome<MachineId> machine_id_of(const CertificateFacts& facts, std::string_view path);

}  // namespace fluxrig::snake
