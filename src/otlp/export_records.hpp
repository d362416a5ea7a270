// From records to the queues of an exporter: encoded as each signal's target wants it. Any thread.
#pragma once

#include <span>

#include "otlp/encode.hpp"
#include "otlp/exporter.hpp"

namespace fluxrig::otlp {

// Encodes what the batches hold of each signal that has a target, and offers it; what is over the limits
// alone counts as dropped.
void offer_records(Exporter& exporter, std::span<const Batch> batches);

// Attributes of the resource, from the settings.
[[nodiscard]] std::vector<model::Attribute> attributes_of(const TextPairs& pairs);

}  // namespace fluxrig::otlp
