#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/byte_size.hpp"
#include "base/nearest.hpp"
#include "otlp/settings.hpp"

namespace fluxrig::otlp {
namespace {

constexpr std::uint64_t kLeastQueue = 1U << 20;
constexpr std::uint64_t kMostQueue = 16ULL << 30;

using Names = std::vector<std::string_view>;

class SectionReader {
 public:
  SectionReader(std::string_view path, ExportSettings& settings, std::vector<yaml::Complaint>& complaints)
      : path_(path), settings_(settings), complaints_(complaints) {}

  void read(const yaml::Node& section) {
    for_each(section, path_, general_names(), [this](const yaml::Node::Entry& entry) {
      for (const auto signal : kAllSignals)
        if (entry.key == otlp_name_of(signal)) return read_signal(entry, signal);
      if (entry.key == "queue") return read_queue(entry.value);
      if (entry.key == "flush_ms") return read_number(entry, 0, 60'000, settings_.flush_ms);
      if (entry.key == "retry") return read_retry(entry.value);
      if (entry.key == "temporality") return read_temporality(entry.value);
      read_word(entry, path_, settings_.general);
    });
    check_schemes();
  }

 private:
  static Names layer_names() {
    return {"endpoint", "insecure", "headers", "timeout_ms", "compression", "protocol", "tls"};
  }
  static Names general_names() {
    Names names = layer_names();
    for (const auto* name : {"queue", "flush_ms", "retry", "temporality", "traces", "metrics", "logs"})
      names.emplace_back(name);
    return names;
  }

  // Every entry with a known name; a complaint for the others.
  template <typename Take>
  void for_each(const yaml::Node& map, const std::string& path, const Names& names, Take take) {
    if (map.is_null()) return;
    if (!map.is_map())
      return complain(map.mark, 1, fmt::format("'{}' is a group of keys: {}", path, fmt::join(names, ", ")));
    for (const auto& entry : map.entries) {
      if (std::find(names.begin(), names.end(), entry.key) != names.end()) {
        take(entry);
        continue;
      }
      const auto nearest = nearest_name(entry.key, names);
      complain(entry.mark, static_cast<int>(std::min<std::size_t>(entry.key.size(), 64)),
               fmt::format("unknown key '{}.{}'", path, entry.key.substr(0, 64)),
               nearest.empty() ? fmt::format("one of: {}", fmt::join(names, ", "))
                               : fmt::format("did you mean '{}'?", nearest));
    }
  }

  void read_signal(const yaml::Node::Entry& entry, Signal signal) {
    auto& layer = settings_.signals[index_of(signal)];
    auto names = layer_names();
    names.emplace_back("enabled");
    const std::string path = fmt::format("{}.{}", path_, otlp_name_of(signal));
    for_each(entry.value, path, names, [&](const yaml::Node::Entry& word) {
      if (word.key != "enabled") return read_word(word, path, layer);
      if (word.value.scalar == "true" || word.value.scalar == "false")
        layer.enabled = word.value.scalar == "true";
      else
        complain_about(word.value, fmt::format("'{}.enabled' is true or false", path));
    });
  }

  void read_word(const yaml::Node::Entry& entry, const std::string& path, ExportLayer& layer) {
    if (entry.key == "headers") return read_headers(entry.value, path, layer);
    if (entry.key == "tls")
      return for_each(entry.value, path + ".tls", {"ca", "certificate", "key"},
                      [&](const yaml::Node::Entry& file) { apply(file, path, "tls." + file.key, layer); });
    apply(entry, path, entry.key, layer);
  }

  void apply(const yaml::Node::Entry& entry, const std::string& path, const std::string& word,
             ExportLayer& layer) {
    if (!entry.value.is_scalar())
      return complain(entry.value.mark, 1, fmt::format("'{}.{}' takes one value", path, word));
    if (word == "endpoint") endpoints_.push_back({&layer, path, entry.value});
    if (const auto wrong = apply_word(word, entry.value.scalar, layer))
      complain_about(entry.value, fmt::format("'{}.{}': {}", path, word, *wrong));
  }

  // Once all of the section is known: the protocol may stand below the endpoint.
  void check_schemes() {
    for (const auto& [layer, path, value] : endpoints_)
      for (const auto signal : kAllSignals) {
        if (settings_.lacks_scheme(signal) != layer) continue;
        complain_about(value, fmt::format("'{}.endpoint': {}", path, kSchemeNeeded));
        break;
      }
  }

  void read_headers(const yaml::Node& map, const std::string& path, ExportLayer& layer) {
    if (!map.is_map() && !map.is_null())
      return complain(map.mark, 1, fmt::format("'{}.headers' is a map of names and values", path));
    layer.headers.emplace();
    for (const auto& entry : map.entries) {
      if (!entry.value.is_scalar()) {
        complain(entry.value.mark, 1, fmt::format("'{}.headers.{}' takes one value", path, entry.key));
      } else if (const auto wrong = check_header(entry.key, entry.value.scalar)) {
        complain(entry.mark, static_cast<int>(std::min<std::size_t>(entry.key.size(), 64)),
                 fmt::format("'{}.headers': {}", path, *wrong));
      } else {
        layer.headers->emplace_back(entry.key, entry.value.scalar);
      }
    }
  }

  void read_queue(const yaml::Node& value) {
    const auto size = parse_byte_size(value.scalar);
    if (!size) return complain_about(value, fmt::format("'{}.queue': {}", path_, size.error().message));
    if (*size < kLeastQueue || *size > kMostQueue)
      return complain_about(value, fmt::format("'{}.queue' is from 1MiB to 16GiB, for each signal", path_));
    settings_.queue_bytes = *size;
  }

  void read_temporality(const yaml::Node& value) {
    const auto known = parse_temporality(value.scalar);
    if (!known || value.scalar == "lowmemory")
      return complain_about(value, fmt::format("'{}.temporality' is cumulative or delta", path_));
    settings_.temporality = *known;
  }

  void read_retry(const yaml::Node& map) {
    for_each(map, path_ + ".retry", {"first_ms", "most_ms", "give_up_ms"},
             [this](const yaml::Node::Entry& entry) {
               std::uint32_t milliseconds = 0;
               read_number(entry, 1, 86'400'000, milliseconds);
               if (milliseconds == 0) return;
               auto& backoff = settings_.backoff;
               (entry.key == "first_ms"  ? backoff.first
                : entry.key == "most_ms" ? backoff.most
                                         : backoff.give_up) = milliseconds * kNanosPerMilli;
             });
    settings_.backoff.most = std::max(settings_.backoff.most, settings_.backoff.first);
  }

  void read_number(const yaml::Node::Entry& entry, std::uint32_t least, std::uint32_t most,
                   std::uint32_t& target) {
    const std::string_view text = entry.value.scalar;
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < least || number > most)
      return complain_about(entry.value,
                            fmt::format("'{}' is a whole number from {} to {}", entry.key, least, most));
    target = number;
  }

  void complain_about(const yaml::Node& value, std::string message) {
    complain(value.mark, static_cast<int>(std::clamp<std::size_t>(value.scalar.size(), 1, 64)),
             std::move(message));
  }
  void complain(yaml::Mark mark, int width, std::string message, std::string hint = {}) {
    complaints_.push_back({mark, std::max(width, 1), std::move(message), std::move(hint)});
  }

  struct Endpoint {
    const ExportLayer* layer;
    std::string path;
    yaml::Node value;
  };

  const std::string path_;
  ExportSettings& settings_;
  std::vector<yaml::Complaint>& complaints_;
  std::vector<Endpoint> endpoints_;
};

}  // namespace

void read_section(const yaml::Node& section, ExportSettings& settings,
                  std::vector<yaml::Complaint>& complaints, std::string_view path) {
  SectionReader(path, settings, complaints).read(section);
}

}  // namespace fluxrig::otlp
