// The configuration of the nats-server that the mixer runs: mutual TLS, one user for each rack with
// permissions to its own subjects only, JetStream. docs/formats/snake.md,
// docs/adr/0003-subjects-and-permissions.md. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "base/result.hpp"
#include "snake/pki/certificate_index.hpp"

namespace fluxrig::snake {

struct ServerVersion {
  int major = 0;
  int minor = 0;
  int patch = 0;
  friend auto operator<=>(const ServerVersion&, const ServerVersion&) = default;
};

// Which gears of which racks consume P0 messages. A rack may acknowledge only deliveries of consumers named
// here: NATS wildcards stand for whole tokens, and a consumer's name is one.
class MessageGrants {
 public:
  // False: known already. kInvalid: not a name; kFull: over kMaxGears for this rack.
  [[nodiscard]] Result<bool> add(std::string_view rack, std::string_view gear);
  [[nodiscard]] const std::set<std::string, std::less<>>& gears_of(std::string_view rack) const;

  // One "<rack> <gear>" a line. A missing file is an empty register.
  [[nodiscard]] static Outcome<MessageGrants> load(const std::string& path);
  [[nodiscard]] Outcome<void> save(const std::string& path) const;

  static constexpr std::size_t kMaxGears = 64;

 private:
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> gears_;
};

struct ServerSettings {
  std::string name = "fluxrig";
  std::string host = "0.0.0.0";
  std::uint16_t port = 4222;
  std::uint16_t monitor_port = 0;  // on loopback; 0: none
  std::string certificate_authority;
  std::string certificate;  // of role server
  std::string key;
  std::string store_directory;
  std::string log_file;
  std::string pid_file;                       // empty: none
  std::uint64_t max_file_bytes = 8ULL << 30;  // bounded by the free space as well: see bounded_store_bytes
  std::uint64_t max_memory_bytes = 64ULL << 20;
  std::uint32_t max_payload_bytes = 1U << 20;
  std::uint32_t max_connections = 4096;
};

// Four fifths of what `directory` holds now and has free, at most `wanted`: a full disk hangs the server.
[[nodiscard]] Outcome<std::uint64_t> bounded_store_bytes(const std::string& directory, std::uint64_t wanted);

// Every rack and mixer of the index becomes a user; servers and clients do not. Expired certificates are
// refused by TLS.
[[nodiscard]] Outcome<std::string> render_server_config(const ServerSettings& settings,
                                                        const CertificateIndex& index,
                                                        const MessageGrants& grants, ServerVersion version);

}  // namespace fluxrig::snake
