#include "otlp/open_metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <vector>

namespace fluxrig::otlp {
namespace {

constexpr std::size_t kMostBuckets = 20;

bool is_name_character(char c, bool first) noexcept {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  return letter || (!first && c >= '0' && c <= '9');
}

std::string name_of(std::string_view text) {
  std::string out;
  for (const char c : text) out += is_name_character(c, out.empty()) ? c : '_';
  return out;
}

// UCUM to Prometheus; annotations in braces count things and are no unit.
std::string_view unit_of(std::string_view unit) noexcept {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kUnits = {
      {{"s", "seconds"}, {"ms", "milliseconds"}, {"ns", "nanoseconds"}, {"By", "bytes"}, {"1", "ratio"}}};
  for (const auto& [ucum, word] : kUnits)
    if (ucum == unit) return word;
  return {};
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
}

std::string text_of(const model::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *whole);
  if (const auto* real = std::get_if<double>(&value)) return fmt::format("{}", *real);
  return std::get<bool>(value) ? "true" : "false";
}

// rack="edge",... without braces. Of names that become equal the first stays.
std::string labels_of(const RackPoint& one) {
  std::vector<std::string> names;
  std::string out;
  const auto add = [&](std::string_view key, std::string_view value) {
    auto name = name_of(key);
    if (name.empty() || std::find(names.begin(), names.end(), name) != names.end()) return;
    fmt::format_to(std::back_inserter(out), "{}{}=\"", out.empty() ? "" : ",", name);
    append_escaped(out, value);
    out += '"';
    names.push_back(std::move(name));
  };
  if (!one.rack.empty()) add("rack", one.rack);
  if (!one.machine_id.is_zero()) add("machine_id", to_string(one.machine_id));
  if (!one.point.gear.empty()) add("fluxrig_gear", one.point.gear);
  for (const auto& [key, value] : one.point.attributes) add(key, text_of(value));
  return out;
}

struct Buckets {
  std::vector<double> bounds;         // upper ones, without +Inf
  std::vector<std::uint64_t> counts;  // cumulative, one for each bound
  std::uint64_t count = 0;
  double sum = 0;
  const std::vector<model::Exemplar>* exemplars = nullptr;
};

Buckets buckets_of(const model::ExplicitHistogram& data) {
  Buckets out{data.bounds, {}, data.count, data.sum, &data.exemplars};
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < data.bounds.size(); ++i) out.counts.push_back(so_far += data.counts[i]);
  return out;
}

// Neighbours merged until they are few: every bound stays exact.
Buckets buckets_of(const model::ExponentialHistogram& data) {
  Buckets out{{}, {}, data.count, data.sum, &data.exemplars};
  if (data.buckets.empty()) return out;
  const std::int64_t first = data.offset;
  const std::int64_t last = first + static_cast<std::int64_t>(data.buckets.size()) - 1;
  int shift = 0;
  while ((last >> shift) - (first >> shift) + 1 > static_cast<std::int64_t>(kMostBuckets)) ++shift;
  std::uint64_t so_far = data.zero_count;
  for (std::int64_t i = first; i <= last; ++i) {
    so_far += data.buckets[static_cast<std::size_t>(i - first)];
    if (i != last && (i >> shift) == ((i + 1) >> shift)) continue;
    out.bounds.push_back(std::exp2(std::ldexp(static_cast<double>((i >> shift) + 1), shift - data.scale)));
    out.counts.push_back(so_far);
  }
  return out;
}

class Renderer {
 public:
  explicit Renderer(MetricText text) : text_(text) {}

  std::string render(std::span<const RackPoint> points) {
    for (std::size_t i = 0; i < points.size();) {
      const std::size_t end = end_of(points, i);
      family(points.subspan(i, end - i));
      i = end;
    }
    if (open()) out_ += "# EOF\n";
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool open() const noexcept { return text_ == MetricText::kOpenMetrics; }

  static std::size_t end_of(std::span<const RackPoint> points, std::size_t begin) {
    std::size_t end = begin;
    while (end < points.size() && points[end].point.name == points[begin].point.name) ++end;
    return end;
  }

  void family(std::span<const RackPoint> points) {
    const auto& first = points.front().point;
    const auto* sum = std::get_if<model::Sum>(&first.data);
    const bool is_counter = sum != nullptr && sum->monotonic;
    const bool is_histogram = std::holds_alternative<model::ExplicitHistogram>(first.data) ||
                              std::holds_alternative<model::ExponentialHistogram>(first.data);
    const auto unit = unit_of(first.unit);
    std::string name = name_of(first.name);
    if (!unit.empty() && !name.ends_with(unit)) name.append("_").append(unit);
    const std::string sample = is_counter ? name + "_total" : name;
    // In the text format a counter's family has the name of its sample; in OpenMetrics it has not.
    const auto& titled = open() ? name : sample;
    fmt::format_to(std::back_inserter(out_), "# TYPE {} {}\n", titled,
                   is_counter     ? "counter"
                   : is_histogram ? "histogram"
                                  : "gauge");
    if (open() && !unit.empty()) fmt::format_to(std::back_inserter(out_), "# UNIT {} {}\n", titled, unit);
    for (const auto& one : points) {
      if (one.point.data.index() != first.data.index() || one.point.unit != first.unit) continue;
      const auto labels = labels_of(one);
      if (const auto* histogram = std::get_if<model::ExplicitHistogram>(&one.point.data))
        buckets(name, labels, buckets_of(*histogram));
      else if (const auto* exponential = std::get_if<model::ExponentialHistogram>(&one.point.data))
        buckets(name, labels, buckets_of(*exponential));
      else
        plain(sample, labels, one.point);
    }
  }

  void plain(const std::string& name, const std::string& labels, const model::MetricPoint& point) {
    const auto* sum = std::get_if<model::Sum>(&point.data);
    const double value = sum != nullptr ? sum->value : std::get<model::Gauge>(point.data).value;
    out_ += name;
    if (!labels.empty()) fmt::format_to(std::back_inserter(out_), "{{{}}}", labels);
    fmt::format_to(std::back_inserter(out_), " {}\n", number(value));
  }

  void buckets(const std::string& name, const std::string& labels, const Buckets& data) {
    double below = -INFINITY;
    for (std::size_t i = 0; i < data.bounds.size(); ++i) {
      fmt::format_to(std::back_inserter(out_), "{}_bucket{{{},le=\"{}\"}} {}", name, labels,
                     le(data.bounds[i]), data.counts[i]);
      exemplar(data, below, data.bounds[i]);
      below = data.bounds[i];
    }
    fmt::format_to(std::back_inserter(out_), "{}_bucket{{{},le=\"+Inf\"}} {}", name, labels, data.count);
    exemplar(data, below, INFINITY);
    fmt::format_to(std::back_inserter(out_), "{0}_sum{{{1}}} {2}\n{0}_count{{{1}}} {3}\n", name, labels,
                   number(data.sum), data.count);
  }

  // OpenMetrics wants a number of its own canonical form: whole ones with ".0".
  static std::string le(double bound) {
    auto text = number(bound);
    if (text.find_first_of(".en") == std::string::npos) text += ".0";
    return text;
  }

  // The latest of those in (below, bound]; ends the line.
  void exemplar(const Buckets& data, double below, double bound) {
    const model::Exemplar* found = nullptr;
    if (open())
      for (const auto& one : *data.exemplars)
        if (one.value > below && one.value <= bound && !one.trace_id.is_zero() &&
            (found == nullptr || found->time < one.time))
          found = &one;
    if (found != nullptr)
      fmt::format_to(std::back_inserter(out_), " # {{trace_id=\"{}\",span_id=\"{}\"}} {} {:.3f}",
                     to_string(found->trace_id), to_string(found->span_id), number(found->value),
                     static_cast<double>(found->time.value) / kNanosPerSecond);
    out_ += '\n';
  }

  MetricText text_;
  std::string out_;
};

}  // namespace

MetricText metric_text_of(std::string_view accept) noexcept {
  return accept.find("application/openmetrics-text") == std::string_view::npos ? MetricText::kPrometheus
                                                                               : MetricText::kOpenMetrics;
}

std::string_view content_type(MetricText text) noexcept {
  return text == MetricText::kOpenMetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                          : "text/plain; version=0.0.4; charset=utf-8";
}

void carry_exemplars(const model::MetricPoint& before, model::MetricPoint& now) {
  const auto exemplars_of = [](auto& point) {
    using Point = std::remove_reference_t<decltype(point)>;
    using Exemplars = std::conditional_t<std::is_const_v<Point>, const std::vector<model::Exemplar>,
                                         std::vector<model::Exemplar>>;
    return std::visit(
        [](auto& data) -> Exemplars* {
          if constexpr (requires { data.exemplars; })
            return &data.exemplars;
          else
            return nullptr;
        },
        point.data);
  };
  const auto* old = exemplars_of(before);
  auto* held = exemplars_of(now);
  if (old == nullptr || held == nullptr || before.data.index() != now.data.index()) return;
  held->insert(held->end(), old->begin(), old->end());
  std::stable_sort(held->begin(), held->end(), [](const auto& a, const auto& b) { return b.time < a.time; });
  held->resize(std::min(held->size(), kMostExemplars));
}

std::string render_metrics(std::span<const RackPoint> points, MetricText text) {
  return Renderer(text).render(points);
}

}  // namespace fluxrig::otlp
