// Where telemetry is exported to, and how: the section `export` of a mixer's configuration or of a rack's
// scenario, and the standard variables OTEL_* of the environment (docs/mixer.md). Values only; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/yaml.hpp"
#include "otlp/export_response.hpp"
#include "otlp/export_signal.hpp"
#include "otlp/retry_policy.hpp"
#include "otlp/temporality.hpp"

namespace fluxrig::otlp {

enum class Compression : std::uint8_t { kNone, kGzip };
using TextPairs = std::vector<std::pair<std::string, std::string>>;

struct Url {
  bool tls = false;
  std::string host;  // without brackets
  std::uint16_t port = 80;
  std::string path;        // with the query; "" or from '/' on
  bool has_scheme = true;  // without one `tls` is not known yet; for gRPC only
  friend bool operator==(const Url&, const Url&) = default;
};
// "http://host[:port][/path][?query]", "https://...", an IPv6 address in brackets. Refused: anything else,
// user names (they belong into a header) and fragments.
[[nodiscard]] std::optional<Url> parse_url(std::string_view text);
// An URL, or "host[:port]" as gRPC has it.
[[nodiscard]] std::optional<Url> parse_endpoint(std::string_view text);
inline constexpr std::uint16_t kGrpcPort = 4317;  // of an endpoint without scheme and port

// What one place says, about one signal or about all; absent: nothing.
struct ExportLayer {
  std::optional<bool> enabled;
  std::optional<Url> endpoint;
  std::optional<bool> insecure;  // of an endpoint without scheme: no TLS
  std::optional<TextPairs> headers;
  std::optional<std::uint32_t> timeout_ms;
  std::optional<Compression> compression;
  std::optional<Protocol> protocol;
  std::optional<std::string> ca;  // PEM files; without one the system's authorities are trusted
  std::optional<std::string> certificate;
  std::optional<std::string> key;
};

// Everything that a connection of one signal needs.
struct ExportTarget {
  Url url;
  TextPairs headers;
  std::uint32_t timeout_ms = 10'000;  // of an attempt, from the look-up of the name to the end of the answer
  Compression compression = Compression::kNone;
  Protocol protocol = Protocol::kHttpProtobuf;
  std::string ca;
  std::string certificate;  // with its key, or neither
  std::string key;
};

struct ExportSettings {
  bool disabled = false;  // OTEL_SDK_DISABLED
  ExportLayer general;
  std::array<ExportLayer, kAllSignals.size()> signals;  // by index_of(Signal): before `general`
  std::uint64_t queue_bytes = 64ULL << 20;              // of each signal
  std::uint32_t flush_ms = 5'000;                       // at the end, for what waits
  Temporality temporality = Temporality::kCumulative;   // of metrics
  Backoff::Options backoff;
  std::string service_name;       // of our own telemetry; empty: ours to choose
  TextPairs resource_attributes;  // likewise, besides ours

  // nullopt: this signal is not exported.
  [[nodiscard]] std::optional<ExportTarget> target(Signal signal) const;
  // Why no target can be made of this: a sentence; nullopt: all is well.
  [[nodiscard]] std::optional<std::string> fault() const;
  // The layer with the endpoint of a signal, when that lacks the scheme that its protocol needs.
  [[nodiscard]] const ExportLayer* lacks_scheme(Signal signal) const;
};

// The map under `export`, wherever that stands (`path`). Adds a complaint for each mistake, and takes the
// rest.
void read_section(const yaml::Node& section, ExportSettings& settings,
                  std::vector<yaml::Complaint>& complaints, std::string_view path = "export");

// Puts what OTEL_* says over `settings`: "NAME=value" entries; an empty value is as good as none. What cannot
// be used is ignored, with one sentence for each in the result, which never holds the value of a header.
[[nodiscard]] std::vector<std::string> apply_environment(std::span<const std::string> environment,
                                                         ExportSettings& settings);

// "cumulative", "delta"; "lowmemory" is delta here, since all our counters are synchronous ones. In any case.
[[nodiscard]] std::optional<Temporality> parse_temporality(std::string_view text);

// One word of a layer from its text, for both places that it may come from. `key` is that of the section,
// "timeout_ms" or "tls.ca". nullopt: taken; otherwise what is wrong.
[[nodiscard]] std::optional<std::string> apply_word(std::string_view key, std::string_view value,
                                                    ExportLayer& layer);
inline constexpr std::string_view kSchemeNeeded =
    "without http:// or https:// it can only be spoken by protocol grpc";
// nullopt: the header can be sent.
[[nodiscard]] std::optional<std::string> check_header(std::string_view name, std::string_view value);

}  // namespace fluxrig::otlp
