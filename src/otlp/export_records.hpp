// From records to the queues of an exporter: encoded as each signal's target wants it. Any thread.
#pragma once

#include <span>

#include "otlp/delta.hpp"
#include "otlp/encode.hpp"
#include "otlp/exporter.hpp"

namespace fluxrig::otlp {

// Encodes what the batches hold of each signal that has a target, and offers it; what is over the limits
// alone counts as dropped. With `delta`, metrics go out as deltas that it makes of them.
void offer_records(Exporter& exporter, std::span<const Batch> batches, DeltaConverter* delta = nullptr);

// Attributes of the resource, from the settings.
[[nodiscard]] std::vector<model::Attribute> attributes_of(const TextPairs& pairs);

}  // namespace fluxrig::otlp
