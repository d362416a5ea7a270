#include "otlp/export_records.hpp"

#include <utility>

#include "sanitize/sanitizer.hpp"

namespace fluxrig::otlp {

namespace {

// The metric points of the batches as deltas, by batch.
std::vector<sanitize::CleanList> deltas_of(std::span<const Batch> batches, DeltaConverter& delta) {
  std::vector<sanitize::CleanList> deltas;
  for (const auto& batch : batches) {
    auto& points = deltas.emplace_back();
    for (const auto& record : batch.records)
      if (const auto* point = std::get_if<model::MetricPoint>(&record))
        if (auto made = delta.convert(*batch.resource, *point)) points.add(*std::move(made));
  }
  return deltas;
}

Encoded encode_deltas(std::span<const Batch> batches, DeltaConverter& delta, Options options) {
  const auto deltas = deltas_of(batches, delta);
  std::vector<Batch> sent(batches.begin(), batches.end());
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i].records = deltas[i].all();
  options.temporality = Temporality::kDelta;
  return encode(Signal::kMetrics, sent, options);
}

}  // namespace

void offer_records(Exporter& exporter, std::span<const Batch> batches, DeltaConverter* delta) {
  for (const auto signal : kAllSignals) {
    const auto protocol = exporter.protocol(signal);
    if (!protocol) continue;
    Options options;
    options.encoding = *protocol == Protocol::kHttpJson ? Encoding::kJson : Encoding::kProtobuf;
    const bool as_deltas = delta != nullptr && signal == Signal::kMetrics;
    auto encoded = as_deltas ? encode_deltas(batches, *delta, options) : encode(signal, batches, options);
    if (encoded.oversize != 0) exporter.count_dropped(signal, ExportDrop::kOversize, encoded.oversize);
    for (auto& payload : encoded.payloads) exporter.offer(signal, {std::move(payload.body), payload.items});
  }
}

std::vector<model::Attribute> attributes_of(const TextPairs& pairs) {
  std::vector<model::Attribute> attributes;
  for (const auto& [key, value] : pairs)
    attributes.push_back({sanitize::mask_card_numbers(key), sanitize::mask_card_numbers(value)});
  return attributes;
}

}  // namespace fluxrig::otlp
