// What the decoders of the kinds of records share. Internal to the module. One thread.
#pragma once

#include <vector>

#include "model/map_codec.hpp"
#include "model/records.hpp"

namespace fluxrig::model {

// The answer of a visitor of read_map: nullopt for a key that it does not know.
using Read = std::optional<Result<void>>;

// The number of items of an array; kOversize over `most`, before anything is reserved for them.
[[nodiscard]] Result<std::size_t> read_count(cbor::Decoder& decoder, std::size_t most) noexcept;

[[nodiscard]] Result<void> read_value(cbor::Decoder& decoder, Value& out);
[[nodiscard]] Result<void> read_attributes(cbor::Decoder& decoder, std::vector<Attribute>& out);

// The required keys must be there, and the map must be all there is.
[[nodiscard]] Result<void> check(const cbor::Decoder& decoder, const Result<SeenKeys>& seen,
                                 SeenKeys required) noexcept;

[[nodiscard]] Result<void> decode_metric_point(cbor::Decoder& decoder, MetricPoint& out);

}  // namespace fluxrig::model
