#include "otlp/export_records.hpp"

#include <utility>

namespace fluxrig::otlp {

void offer_records(Exporter& exporter, std::span<const Batch> batches) {
  for (const auto signal : kAllSignals) {
    const auto protocol = exporter.protocol(signal);
    if (!protocol) continue;
    Options options;
    options.encoding = *protocol == Protocol::kHttpJson ? Encoding::kJson : Encoding::kProtobuf;
    auto encoded = encode(signal, batches, options);
    if (encoded.oversize != 0) exporter.count_dropped(signal, ExportDrop::kOversize, encoded.oversize);
    for (auto& payload : encoded.payloads) exporter.offer(signal, {std::move(payload.body), payload.items});
  }
}

std::vector<model::Attribute> attributes_of(const TextPairs& pairs) {
  std::vector<model::Attribute> attributes;
  for (const auto& [key, value] : pairs) attributes.push_back({key, value});
  return attributes;
}

}  // namespace fluxrig::otlp
