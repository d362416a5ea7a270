#include "otlp/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/nearest.hpp"

namespace fluxrig::otlp {
namespace {

using Wrong = std::optional<std::string>;

constexpr std::uint32_t kMaxTimeoutMs = 600'000;
constexpr std::size_t kMaxUrlBytes = 4'096;
constexpr std::size_t kMaxHeaderBytes = 8'192;

// What the exporter sets itself, or what would change how the request is read.
constexpr std::array<std::string_view, 13> kOwnHeaders{
    "host",       "content-type", "content-length",  "content-encoding", "transfer-encoding",
    "connection", "user-agent",   "accept-encoding", "expect",           "upgrade",
    "te",         "keep-alive",   "proxy-connection"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

Wrong take_endpoint(std::string_view value, std::optional<Url>& target) {
  auto url = parse_endpoint(value);
  if (!url)
    return fmt::format(
        "'{}' is no URL; write http://host:4318 or https://host:4318 (gRPC: 4317), credentials as a header",
        value.find('@') == std::string_view::npos ? value.substr(0, 128) : "...");
  target = std::move(*url);
  return std::nullopt;
}

Wrong take_timeout(std::string_view value, std::optional<std::uint32_t>& target) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size() || number == 0 || number > kMaxTimeoutMs)
    return fmt::format("'{}' is no whole number of milliseconds from 1 to {}", value.substr(0, 64),
                       kMaxTimeoutMs);
  target = number;
  return std::nullopt;
}

Wrong take_compression(std::string_view value, std::optional<Compression>& target) {
  if (value != "gzip" && value != "none")
    return fmt::format("'{}' is not known; one of: gzip, none", value.substr(0, 64));
  target = value == "gzip" ? Compression::kGzip : Compression::kNone;
  return std::nullopt;
}

Wrong take_protocol(std::string_view value, std::optional<Protocol>& target) {
  if (value == "grpc")
    target = Protocol::kGrpc;
  else if (value == "http/protobuf")
    target = Protocol::kHttpProtobuf;
  else if (value == "http/json")
    target = Protocol::kHttpJson;
  else
    return fmt::format("'{}' is not known; one of: grpc, http/protobuf, http/json", value.substr(0, 64));
  return std::nullopt;
}

Wrong take_insecure(std::string_view value, std::optional<bool>& target) {
  const auto word = lower(value);
  if (word != "true" && word != "false") return "it is true or false";
  target = word == "true";
  return std::nullopt;
}

Wrong take_file(std::string_view value, std::optional<std::string>& target) {
  if (value.empty()) return "the value is empty; leave the key out for the default";
  target = value;
  return std::nullopt;
}

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return std::isalnum(c) != 0 || kMarks.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool take_port(std::string_view digits, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc{} && end == digits.data() + digits.size() && port != 0;
}

bool take_authority(std::string_view authority, Url& url) {
  const bool bracketed = authority.starts_with('[');
  const auto host_end = bracketed ? authority.find(']') : authority.find(':');
  if (bracketed && host_end == std::string_view::npos) return false;
  url.host = bracketed ? authority.substr(1, host_end - 1) : authority.substr(0, host_end);
  const auto rest = host_end == std::string_view::npos ? std::string_view{}
                                                       : authority.substr(host_end + (bracketed ? 1 : 0));
  if (!rest.empty() && (rest.front() != ':' || !take_port(rest.substr(1), url.port))) return false;
  const bool plain = std::all_of(url.host.begin(), url.host.end(), [&](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_' || (bracketed && (c == ':' || c == '%'));
  });
  return plain && !url.host.empty() && url.host.size() <= 253;
}

// The specification of the exporter: the base is extended by the signal's own path, relative to it.
Url below(Url base, Signal signal) {
  const auto query = base.path.find('?');
  const std::string tail = query == std::string::npos ? "" : base.path.substr(query);
  base.path.resize(std::min(query, base.path.size()));
  if (!base.path.ends_with('/')) base.path += '/';
  base.path += fmt::format("v1/{}{}", otlp_name_of(signal), tail);
  return base;
}

template <typename T>
T first_of(const std::optional<T>& own, const std::optional<T>& general, T otherwise) {
  return own ? *own : general ? *general : std::move(otherwise);
}

}  // namespace

std::optional<Url> parse_url(std::string_view text) {
  if (text.size() > kMaxUrlBytes) return std::nullopt;
  Url url;
  const auto scheme = lower(text.substr(0, text.find("://")));
  if (scheme != "http" && scheme != "https") return std::nullopt;
  url.tls = scheme == "https";
  url.port = url.tls ? 443 : 80;
  text.remove_prefix(scheme.size() + 3);
  const auto path = std::min(text.find_first_of("/?#"), text.size());
  url.path = text.substr(path);
  if (url.path.starts_with('?')) url.path.insert(url.path.begin(), '/');
  const bool sendable =
      std::all_of(url.path.begin(), url.path.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
  if (!sendable || !take_authority(text.substr(0, path), url)) return std::nullopt;
  return url;
}

std::optional<Url> parse_endpoint(std::string_view text) {
  if (text.find("://") != std::string_view::npos) return parse_url(text);
  Url url;
  url.has_scheme = false;
  url.port = kGrpcPort;
  if (!take_authority(text, url)) return std::nullopt;
  return url;
}

std::optional<std::string> check_header(std::string_view name, std::string_view value) {
  if (!is_token(name)) return "the name of a header is not one of HTTP's";
  const auto name_below = lower(name);
  if (name_below.starts_with("grpc-") ||
      std::find(kOwnHeaders.begin(), kOwnHeaders.end(), name_below) != kOwnHeaders.end())
    return fmt::format("'{}' is set by the exporter itself", name_below);
  const bool sendable =
      std::all_of(value.begin(), value.end(), [](char c) { return (c >= 0x20 && c != 0x7f) || c == '\t'; });
  if (!sendable || value.size() > kMaxHeaderBytes)
    return fmt::format("the value of '{}' cannot stand in a header: printable ASCII, at most {} bytes",
                       name.substr(0, 64), kMaxHeaderBytes);
  return std::nullopt;
}

std::optional<std::string> apply_word(std::string_view key, std::string_view value, ExportLayer& layer) {
  if (key == "endpoint") return take_endpoint(value, layer.endpoint);
  if (key == "insecure") return take_insecure(value, layer.insecure);
  if (key == "timeout_ms") return take_timeout(value, layer.timeout_ms);
  if (key == "compression") return take_compression(value, layer.compression);
  if (key == "protocol") return take_protocol(value, layer.protocol);
  if (key == "tls.ca") return take_file(value, layer.ca);
  if (key == "tls.certificate") return take_file(value, layer.certificate);
  if (key == "tls.key") return take_file(value, layer.key);
  return fmt::format("'{}' is not known", key);
}

std::optional<ExportTarget> ExportSettings::target(Signal signal) const {
  const auto& own = signals[index_of(signal)];
  if (disabled || !own.enabled.value_or(true) || (!own.endpoint && !general.endpoint)) return std::nullopt;
  ExportTarget target;
  target.protocol = first_of(own.protocol, general.protocol, target.protocol);
  target.url = own.endpoint                         ? *own.endpoint
               : target.protocol == Protocol::kGrpc ? *general.endpoint
                                                    : below(*general.endpoint, signal);
  if (target.url.path.empty()) target.url.path = "/";
  if (!target.url.has_scheme) target.url.tls = !first_of(own.insecure, general.insecure, false);
  target.headers = first_of(own.headers, general.headers, {});
  target.timeout_ms = first_of(own.timeout_ms, general.timeout_ms, target.timeout_ms);
  target.compression = first_of(own.compression, general.compression, target.compression);
  target.ca = first_of(own.ca, general.ca, {});
  // A certificate and its key come from one place.
  const auto& identity = own.certificate || own.key ? own : general;
  target.certificate = identity.certificate.value_or("");
  target.key = identity.key.value_or("");
  return target;
}

std::optional<Temporality> parse_temporality(std::string_view text) {
  std::string word(text);
  for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (word == "cumulative") return Temporality::kCumulative;
  if (word == "delta" || word == "lowmemory") return Temporality::kDelta;
  return std::nullopt;
}

const ExportLayer* ExportSettings::lacks_scheme(Signal signal) const {
  const auto made = target(signal);
  if (!made || made->url.has_scheme || made->protocol == Protocol::kGrpc) return nullptr;
  const auto& own = signals[index_of(signal)];
  return own.endpoint ? &own : &general;
}

std::optional<std::string> ExportSettings::fault() const {
  for (const auto signal : kAllSignals) {
    const auto made = target(signal);
    if (lacks_scheme(signal) != nullptr)
      return fmt::format("export of {}: the endpoint '{}' needs a scheme: {}", otlp_name_of(signal),
                         made->url.host, kSchemeNeeded);
    if (made && made->certificate.empty() != made->key.empty())
      return fmt::format("export of {}: a client certificate and its key go together: give both or neither",
                         otlp_name_of(signal));
  }
  return std::nullopt;
}

}  // namespace fluxrig::otlp
