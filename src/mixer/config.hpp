// mixer.yaml: everything the mixer can be told, all of it optional. docs/mixer.md lists the keys. Values come
// from the file, then FLUXRIG_MIXER_<KEY_PATH> of the environment (listen.api is FLUXRIG_MIXER_LISTEN_API),
// then flags; but `profile` only from the file. Values only; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_size.hpp"
#include "base/diagnostics.hpp"
#include "base/result.hpp"
#include "otlp/settings.hpp"

namespace fluxrig::mixer {

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;  // 0: any free port
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct Config {
  std::string data = "fluxrig-mixer-data";  // directory; made when missing
  std::string pki;                          // directory of the authority; empty: <data>/pki
  Endpoint listen_api{"127.0.0.1", 7070};
  Endpoint listen_nats{"0.0.0.0", 4222};
  std::optional<Endpoint> listen_otlp;      // spans of services; nullopt: none are taken
  std::string nats_address;                 // empty: the mixer starts its own server
  std::string nats_binary = "nats-server";  // the program to start
  struct Streams {
    std::uint64_t messages_bytes = 1ULL << 30;
    std::uint64_t audit_bytes = 1ULL << 30;
    std::uint64_t telemetry_bytes = 512ULL << 20;
    std::uint64_t dead_letters_bytes = 128ULL << 20;
    std::uint32_t replicas = 1;  // over 1: a cluster at nats_address
  } streams;
  struct Pressure {
    std::uint32_t commit_target_ms = 2'000;          // of the 99th percentile
    std::uint64_t least_free_disk = 4ULL << 30;      // under `data`; or a tenth of the disk, if that is less
    std::uint64_t least_free_memory = 512ULL << 20;  // or a tenth of the memory, if that is less
  } pressure;
  std::uint32_t retention_days = 30;
  std::uint32_t hot_hours = 2;
  std::uint64_t memory_limit_bytes = 1ULL << 30;  // of the store
  std::string token_file;                         // empty: <data>/api-token
  std::string otlp_token_file;                    // empty: <data>/otlp-token
  std::string tls_certificate;                    // both or neither
  std::string tls_key;
  otlp::ExportSettings exporting;  // `export` of the file, and OTEL_* of the environment
  DiagnosticFormat log_format = DiagnosticFormat::kText;
  Severity log_level = Severity::kInfo;
  bool production = true;             // profile; refuses debug diagnostics and core dumps
  bool core_dumps = false;            // whether a crash may write its memory to a file
  std::vector<std::string> warnings;  // of OTEL_*: told at the start

  [[nodiscard]] std::string pki_directory() const { return pki.empty() ? data + "/pki" : pki; }
  [[nodiscard]] std::string token_path() const {
    return token_file.empty() ? data + "/api-token" : token_file;
  }
  [[nodiscard]] std::string otlp_token_path() const {
    return otlp_token_file.empty() ? data + "/otlp-token" : otlp_token_file;
  }
};

// `file` names the text in complaints. `environment` is "NAME=value" entries; those that begin
// neither with FLUXRIG_MIXER_ nor with OTEL_ are ignored. The problem holds one rendered complaint for each
// mistake, not only the first.
[[nodiscard]] Outcome<Config> parse_config(std::string_view file, std::string_view text,
                                           std::span<const std::string> environment);

// Reads the file (at most 4 MiB) and parses it.
[[nodiscard]] Outcome<Config> load_config(const std::string& file, std::span<const std::string> environment);

// "127.0.0.1:7070", "[::1]:7070"; the host may be empty for all addresses.
[[nodiscard]] Outcome<Endpoint> parse_endpoint(std::string_view text);

}  // namespace fluxrig::mixer
