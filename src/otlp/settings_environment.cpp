// The variables of the OpenTelemetry specification ("Environment Variable Specification", "OpenTelemetry
// Protocol Exporter"): empty is unset, what cannot be used is ignored with a warning.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "otlp/settings.hpp"

namespace fluxrig::otlp {
namespace {

constexpr std::string_view kExporter = "OTEL_EXPORTER_OTLP_";

struct Word {
  std::string_view variable;  // after OTEL_EXPORTER_OTLP_[<SIGNAL>_]
  std::string_view key;       // for apply_word
};
constexpr std::array<Word, 8> kWords{{{"ENDPOINT", "endpoint"},
                                      {"INSECURE", "insecure"},
                                      {"TIMEOUT", "timeout_ms"},
                                      {"COMPRESSION", "compression"},
                                      {"PROTOCOL", "protocol"},
                                      {"CERTIFICATE", "tls.ca"},
                                      {"CLIENT_CERTIFICATE", "tls.certificate"},
                                      {"CLIENT_KEY", "tls.key"}}};

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<bool> boolean(std::string_view text) {
  const auto word = upper(text);
  if (word == "TRUE") return true;
  if (word == "FALSE") return false;
  return std::nullopt;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(16 * high + low);
    i += 2;
  }
  return out;
}

// "key=value,key=value", as W3C baggage without properties. nullopt: any part of it is not.
std::optional<TextPairs> pairs_of(std::string_view text) {
  TextPairs pairs;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    const auto entry = trimmed(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (entry.empty()) continue;
    const auto equals = entry.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    auto key = percent_decoded(trimmed(entry.substr(0, equals)));
    auto value = percent_decoded(trimmed(entry.substr(equals + 1)));
    if (!key || key->empty() || !value) return std::nullopt;
    pairs.emplace_back(std::move(*key), std::move(*value));
  }
  return pairs;
}

class EnvironmentReader {
 public:
  EnvironmentReader(std::span<const std::string> environment, ExportSettings& settings)
      : environment_(environment), settings_(settings) {}

  std::vector<std::string> read() {
    read_layer(std::string(kExporter), settings_.general);
    for (const auto signal : kAllSignals) {
      auto& layer = settings_.signals[index_of(signal)];
      read_layer(fmt::format("{}{}_", kExporter, upper(otlp_name_of(signal))), layer);
      read_choice(fmt::format("OTEL_{}_EXPORTER", upper(otlp_name_of(signal))), layer);
    }
    check_schemes();
    read_temporality();
    read_sdk();
    return std::move(warnings_);
  }

 private:
  // nullopt: not there, or empty. The last one counts, as in a shell.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const {
    for (auto entry = environment_.rbegin(); entry != environment_.rend(); ++entry) {
      const std::string_view view(*entry);
      if (!view.starts_with(name) || view.size() <= name.size() || view[name.size()] != '=') continue;
      const auto value = view.substr(name.size() + 1);
      return value.empty() ? std::nullopt : std::optional(value);
    }
    return std::nullopt;
  }

  void ignore(std::string_view name, std::string_view why) {
    warnings_.push_back(fmt::format("{} is ignored: {}", name, why));
  }

  void read_layer(const std::string& prefix, ExportLayer& layer) {
    for (const auto& word : kWords) {
      const auto name = prefix + std::string(word.variable);
      const auto value = find(name);
      if (!value) continue;
      if (word.key == "endpoint") endpoints_.push_back({&layer, name, layer.endpoint});
      if (const auto wrong = apply_word(word.key, *value, layer)) ignore(name, *wrong);
    }
    read_headers(prefix + "HEADERS", layer);
  }

  // Once all is known: an endpoint without scheme is good for gRPC only.
  void check_schemes() {
    for (const auto& [layer, name, before] : endpoints_)
      for (const auto signal : kAllSignals) {
        if (settings_.lacks_scheme(signal) != layer) continue;
        ignore(name, kSchemeNeeded);
        layer->endpoint = before;
        break;
      }
  }

  void read_headers(const std::string& name, ExportLayer& layer) {
    const auto value = find(name);
    if (!value) return;
    auto pairs = pairs_of(*value);
    if (!pairs) return ignore(name, "it is no list of key=value with commas, percent-encoded");
    for (const auto& [key, text] : *pairs)
      if (const auto wrong = check_header(key, text)) return ignore(name, *wrong);
    layer.headers = std::move(*pairs);
  }

  void read_choice(const std::string& name, ExportLayer& layer) {
    const auto value = find(name);
    if (!value) return;
    if (*value == "none")
      layer.enabled = false;
    else if (*value != "otlp")
      ignore(name, fmt::format("'{}' is not known; one of: otlp, none", value->substr(0, 64)));
  }

  void read_temporality() {
    constexpr std::string_view kName = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    const auto value = find(kName);
    if (!value) return;
    if (const auto known = parse_temporality(*value))
      settings_.temporality = *known;
    else
      ignore(kName,
             fmt::format("'{}' is not known; one of: cumulative, delta, lowmemory", value->substr(0, 64)));
  }

  void read_sdk() {
    if (const auto value = find("OTEL_SDK_DISABLED")) {
      const auto disabled = boolean(*value);
      if (disabled)
        settings_.disabled = *disabled;
      else
        ignore("OTEL_SDK_DISABLED", "it is true or false");
    }
    if (const auto value = find("OTEL_RESOURCE_ATTRIBUTES")) {
      if (auto pairs = pairs_of(*value))
        take_resource(std::move(*pairs));
      else
        ignore("OTEL_RESOURCE_ATTRIBUTES", "it is no list of key=value with commas, percent-encoded");
    }
    if (const auto value = find("OTEL_SERVICE_NAME")) settings_.service_name = *value;
  }

  // service.name has its own variable, which goes before.
  void take_resource(TextPairs&& pairs) {
    settings_.resource_attributes.clear();
    for (auto& [key, value] : pairs) {
      if (key == "service.name")
        settings_.service_name = value;
      else
        settings_.resource_attributes.emplace_back(std::move(key), std::move(value));
    }
  }

  struct Endpoint {
    ExportLayer* layer;
    std::string name;           // of the variable
    std::optional<Url> before;  // what the layer had
  };

  std::span<const std::string> environment_;
  ExportSettings& settings_;
  std::vector<std::string> warnings_;
  std::vector<Endpoint> endpoints_;
};

}  // namespace

std::vector<std::string> apply_environment(std::span<const std::string> environment,
                                           ExportSettings& settings) {
  return EnvironmentReader(environment, settings).read();
}

}  // namespace fluxrig::otlp
