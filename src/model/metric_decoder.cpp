#include "model/record_fields.hpp"
#include "model/record_keys.hpp"

namespace fluxrig::model {
namespace {

using cbor::Decoder;

Result<void> read_sum(Decoder& decoder, Sum& out) {
  const auto seen = read_map(decoder, [&](std::uint64_t number) -> Read {
    if (number == key::kSumValue) return read(decoder, out.value);
    if (number == key::kSumMonotonic) return read(decoder, out.monotonic);
    return std::nullopt;
  });
  if (!seen) return tl::unexpected(seen.error());
  return require(*seen, keys_of(key::kSumValue, key::kSumMonotonic));
}

Result<void> read_exemplar(Decoder& decoder, Exemplar& out) {
  const auto seen = read_map(decoder, [&](std::uint64_t number) -> Read {
    switch (number) {
      case key::kExemplarTime:
        return read(decoder, out.time);
      case key::kExemplarValue:
        return read(decoder, out.value);
      case key::kExemplarTraceId:
        return read(decoder, out.trace_id);
      case key::kExemplarSpanId:
        return read(decoder, out.span_id);
      case key::kExemplarFluxId:
        return read(decoder, out.flux_id);
      default:
        return std::nullopt;
    }
  });
  if (!seen) return tl::unexpected(seen.error());
  return require(*seen, keys_of(key::kExemplarTime, key::kExemplarValue));
}

Result<void> read_buckets(Decoder& decoder, std::vector<std::uint64_t>& out) {
  const auto items = read_count(decoder, kMaxBuckets);
  if (!items) return tl::unexpected(items.error());
  out.resize(*items);
  for (std::uint64_t& bucket : out)
    if (auto done = read(decoder, bucket); !done) return done;
  return {};
}

// Ascending, or no value would have one bucket.
Result<void> read_bounds(Decoder& decoder, std::vector<double>& out) {
  const auto items = read_count(decoder, kMaxBounds);
  if (!items) return tl::unexpected(items.error());
  out.resize(*items);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (auto done = read(decoder, out[i]); !done) return done;
    if (i != 0 && !(out[i - 1] < out[i])) return fail(ErrorCode::kInvalid, "bounds that do not ascend");
  }
  return {};
}

Result<void> read_exemplars(Decoder& decoder, std::vector<Exemplar>& out) {
  const auto items = read_count(decoder, kMaxExemplars);
  if (!items) return tl::unexpected(items.error());
  out.resize(*items);
  for (Exemplar& exemplar : out)
    if (auto done = read_exemplar(decoder, exemplar); !done) return done;
  return {};
}

Result<void> read_histogram(Decoder& decoder, ExponentialHistogram& out) {
  const auto seen = read_map(decoder, [&](std::uint64_t number) -> Read {
    switch (number) {
      case key::kScale:
        return read_within(decoder, {kLeastScale, kMostScale}, out.scale);
      case key::kHistogramCount:
        return read(decoder, out.count);
      case key::kHistogramSum:
        return read(decoder, out.sum);
      case key::kMin:
        return read(decoder, out.min);
      case key::kMax:
        return read(decoder, out.max);
      case key::kZeroCount:
        return read(decoder, out.zero_count);
      case key::kOffset:
        return read(decoder, out.offset);
      case key::kBuckets:
        return read_buckets(decoder, out.buckets);
      case key::kExemplars:
        return read_exemplars(decoder, out.exemplars);
      default:
        return std::nullopt;
    }
  });
  if (!seen) return tl::unexpected(seen.error());
  return require(*seen, keys_of(key::kScale, key::kHistogramCount, key::kHistogramSum, key::kMin, key::kMax,
                                key::kOffset, key::kBuckets));
}

Result<void> read_explicit(Decoder& decoder, ExplicitHistogram& out) {
  const auto seen = read_map(decoder, [&](std::uint64_t number) -> Read {
    switch (number) {
      case key::kExplicitCount:
        return read(decoder, out.count);
      case key::kExplicitSum:
        return read(decoder, out.sum);
      case key::kExplicitMin:
        return read(decoder, out.min);
      case key::kExplicitMax:
        return read(decoder, out.max);
      case key::kBounds:
        return read_bounds(decoder, out.bounds);
      case key::kCounts:
        return read_buckets(decoder, out.counts);
      case key::kExplicitExemplars:
        return read_exemplars(decoder, out.exemplars);
      default:
        return std::nullopt;
    }
  });
  if (!seen) return tl::unexpected(seen.error());
  if (auto all = require(*seen, keys_of(key::kExplicitCount, key::kExplicitSum, key::kExplicitMin,
                                        key::kExplicitMax, key::kBounds, key::kCounts));
      !all)
    return all;
  if (out.counts.size() != out.bounds.size() + 1)
    return fail(ErrorCode::kInvalid, "a histogram whose counts do not fit its bounds");
  return {};
}

}  // namespace

Result<void> decode_metric_point(Decoder& decoder, MetricPoint& out) {
  int kinds_of_data = 0;
  const auto seen = read_map(decoder, [&](std::uint64_t number) -> Read {
    switch (number) {
      case key::kGear:
        return read(decoder, out.gear);
      case key::kName:
        return read(decoder, out.name);
      case key::kTime:
        return read(decoder, out.start);
      case key::kEnd:
        return read(decoder, out.time);
      case key::kAttributes:
        return read_attributes(decoder, out.attributes);
      case key::kUnit:
        return read(decoder, out.unit);
      case key::kSum:
        ++kinds_of_data;
        return read_sum(decoder, out.data.emplace<Sum>());
      case key::kGauge:
        ++kinds_of_data;
        return read(decoder, out.data.emplace<Gauge>().value);
      case key::kHistogram:
        ++kinds_of_data;
        return read_histogram(decoder, out.data.emplace<ExponentialHistogram>());
      case key::kExplicit:
        ++kinds_of_data;
        return read_explicit(decoder, out.data.emplace<ExplicitHistogram>());
      default:
        return std::nullopt;
    }
  });
  if (auto checked = check(decoder, seen, keys_of(key::kName, key::kTime, key::kEnd)); !checked)
    return checked;
  if (kinds_of_data != 1) return fail(ErrorCode::kInvalid, "a metric point without exactly one kind of data");
  return {};
}

}  // namespace fluxrig::model
