#include "mixer/api/api.hpp"
#include "otlp/open_metrics.hpp"

namespace fluxrig::mixer {
namespace {

RackPoint own(std::string_view name, std::string_view unit, UnixNanos start, std::uint64_t value) {
  RackPoint out;
  out.point.name = name;
  out.point.unit = unit;
  out.point.start = start;
  out.point.data = model::Sum{static_cast<double>(value), true};
  return out;
}

void add(const ReceiveFigures& figures, UnixNanos start, std::vector<RackPoint>& points) {
  points.push_back(own("fluxrig.receive.spans", "{span}", start, figures.stored));
  points.push_back(own("fluxrig.receive.duplicates", "{span}", start, figures.duplicates));
  points.push_back(own("fluxrig.receive.rejected", "{span}", start, figures.rejected));
  for (std::size_t i = 0; i < kReceiveRefusalNames.size(); ++i) {
    auto point = own("fluxrig.receive.refused", "{request}", start, figures.refused[i]);
    point.point.attributes = {{"fluxrig.cause", std::string(kReceiveRefusalNames[i])}};
    points.push_back(std::move(point));
  }
}

}  // namespace

// Names, labels and values of racks' points, which have passed the gate, and of counters of ours.
class MetricMaker {
 public:
  static ReplyText of(const std::vector<RackPoint>& points, otlp::MetricText text) {
    return {ReplyText::Clean{}, otlp::render_metrics(points, text)};
  }
};

ApiResponse Api::metrics(const ApiRequest& request) const {
  auto points = parts_.board == nullptr ? std::vector<RackPoint>{} : parts_.board->shown(parts_.clock.now());
  const auto& c = parts_.counters;
  const auto load = [](const auto& counter) { return counter.load(std::memory_order_relaxed); };
  points.push_back(own("fluxrig.mixer.records", "{record}", parts_.started, load(c.records)));
  points.push_back(own("fluxrig.mixer.duplicates", "{record}", parts_.started, load(c.duplicates)));
  points.push_back(own("fluxrig.mixer.commits", "{commit}", parts_.started, load(c.commits)));
  points.push_back(own("fluxrig.mixer.commit_failures", "{commit}", parts_.started, load(c.commit_failures)));
  if (parts_.board != nullptr)
    points.push_back(
        own("fluxrig.mixer.points_left_out", "{point}", parts_.started, parts_.board->left_out()));
  if (const auto receiving = parts_.readiness().receiving) add(*receiving, parts_.started, points);
  const auto text = otlp::metric_text_of(request.accept);
  ApiResponse response;
  response.content_type = otlp::content_type(text);
  response.body = MetricMaker::of(points, text);
  return response;
}

}  // namespace fluxrig::mixer
