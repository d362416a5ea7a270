// Records at the edges of their types, from one seed. Their bodies are golden files, so that
// tests/interop/otlp_encoding.test.mjs compares protobuf with JSON on more than well-behaved values.
#include <array>
#include <cmath>
#include <limits>

#include "base/random.hpp"
#include "otlp/otlp_fixture.hpp"
#include "sanitize/test_clean_list.hpp"

namespace fluxrig::otlp {
namespace {

constexpr int kRecordsOfAKind = 12;

class Odd {
 public:
  std::vector<model::Record> records() {
    std::vector<model::Record> out;
    for (int i = 0; i < kRecordsOfAKind; ++i) {
      out.emplace_back(transaction());
      out.emplace_back(span());
      out.emplace_back(point());
      out.emplace_back(log());
    }
    return out;
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

  std::string text() {
    static const std::array<std::string, 12> kTexts = {"",
                                                       "plain",
                                                       "stra\xc3\x9f"
                                                       "e",
                                                       "\xe2\x82\xac",
                                                       "\xf0\x9f\x92\xb3",
                                                       "\"quoted\\\"",
                                                       std::string("\0\x1f\x7f", 3),
                                                       "\xff\xfe",
                                                       "cut \xe2\x82",
                                                       "\xed\xa0\x80",
                                                       std::string(127, 'a'),
                                                       std::string(128, 'b')};
    if (one_in(20) && long_texts_ < 3) {  // a length of three bytes; few, since they stand in the repository
      ++long_texts_;
      return std::string(17'000, 'c');
    }
    return kTexts[below(kTexts.size())];
  }
  std::int64_t integer() {
    static constexpr std::array<std::int64_t, 7> kIntegers = {0,
                                                              1,
                                                              -1,
                                                              127,
                                                              1LL << 53,
                                                              std::numeric_limits<std::int64_t>::max(),
                                                              std::numeric_limits<std::int64_t>::min()};
    return kIntegers[below(kIntegers.size())];
  }
  double real() {
    static const std::array<double, 10> kReals = {
        0, -0.0, 0.1, -1e-300, 1e300, 9007199254740993.0, 5e-324, INFINITY, -INFINITY, std::nan("")};
    return kReals[below(kReals.size())];
  }
  UnixNanos time() {
    static constexpr std::array<std::int64_t, 4> kTimes = {0, -1, 1'795'356'187'412'000'000,
                                                           std::numeric_limits<std::int64_t>::max()};
    return {kTimes[below(kTimes.size())]};
  }
  std::vector<model::Attribute> attributes() {
    std::vector<model::Attribute> out;
    const auto count = one_in(6) ? 60 : below(5);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::array<model::Value, 4> values = {text(), integer(), real(), one_in(2)};
      out.push_back({one_in(8) ? text() : "key" + std::to_string(i), values[below(values.size())]});
    }
    return out;
  }
  model::Transaction transaction() {
    model::Transaction one;
    one.flux_id = make_flux_id(model::golden::kStart, random_);
    one.trace_id = make_trace_id(random_);
    one.span_id = make_span_id(random_);
    if (one_in(2)) one.parent_span_id = make_span_id(random_);
    one.trace_flags = static_cast<std::uint8_t>(below(4));
    if (one_in(2)) one.tracestate = "a=1,ot=th:8";
    one.gear = text();
    one.name = text();
    one.kind = static_cast<model::SpanKind>(1 + below(5));
    one.start = time();
    one.end = time();
    one.outcome = static_cast<model::TransactionOutcome>(1 + below(5));
    one.reason = text();
    one.attributes = attributes();
    if (one_in(3))
      one.attributes.push_back(
          {"http.response.status_code", std::int64_t{400} + static_cast<std::int64_t>(below(200))});
    for (auto n = below(3); n > 0; --n) one.redactions.push_back(text());
    for (auto n = below(3); n > 0; --n)
      one.links.push_back({make_trace_id(random_), make_span_id(random_), {}, text()});
    one.child_spans = static_cast<std::uint32_t>(below(3));
    one.dropped_attributes = static_cast<std::uint32_t>(below(2) * 4'000'000'000U);
    last_ = one;
    return one;
  }
  model::Span span() {
    model::Span one;
    one.flux_id = last_.flux_id;
    one.trace_id = last_.trace_id;
    one.span_id = make_span_id(random_);
    one.parent_span_id = one_in(4) ? make_span_id(random_) : last_.span_id;
    one.gear = text();
    one.name = text();
    one.kind = static_cast<model::SpanKind>(1 + below(5));
    one.start = time();
    one.end = time();
    one.status = static_cast<model::StatusCode>(below(3));
    one.status_message = text();
    one.attributes = attributes();
    return one;
  }
  model::MetricPoint point() {
    model::MetricPoint one;
    one.name = one_in(2) ? "metric" : text();
    one.unit = one_in(2) ? "By" : "";
    one.gear = text();
    one.start = time();
    one.time = time();
    one.attributes = attributes();
    if (one_in(3)) {
      one.data = model::Sum{real(), one_in(2)};
    } else if (one_in(3)) {
      one.data = model::Gauge{real()};
    } else if (one_in(2)) {
      one.data = explicit_histogram();
    } else {
      one.data = histogram();
    }
    return one;
  }
  model::ExponentialHistogram histogram() {
    model::ExponentialHistogram data;
    data.scale = static_cast<std::int32_t>(below(31)) - 10;
    data.count = one_in(3) ? 0 : random_.next();
    data.sum = real();
    data.min = real();
    data.max = real();
    data.zero_count = one_in(2) ? 0 : random_.next();
    data.offset = one_in(3) ? 0 : static_cast<std::int32_t>(random_.next());
    for (auto n = one_in(4) ? 160 : below(4); n > 0; --n) data.buckets.push_back(random_.next() >> below(64));
    for (auto n = below(3); n > 0; --n)
      data.exemplars.push_back({time(), real(), last_.trace_id, {}, one_in(2) ? last_.flux_id : FluxId{}});
    return data;
  }
  model::ExplicitHistogram explicit_histogram() {
    model::ExplicitHistogram data;
    data.count = one_in(3) ? 0 : random_.next();
    data.sum = real();
    data.min = real();
    data.max = real();
    for (auto n = below(16); n > 0; --n) data.bounds.push_back(static_cast<double>(16 - n) / 7);
    for (auto n = data.bounds.size() + 1; n > 0; --n) data.counts.push_back(random_.next() >> below(64));
    for (auto n = below(3); n > 0; --n)
      data.exemplars.push_back({time(), real(), last_.trace_id, {}, one_in(2) ? last_.flux_id : FluxId{}});
    return data;
  }
  model::Log log() {
    model::Log one;
    one.time = time();
    one.severity = static_cast<std::uint8_t>(below(25));
    one.event_name = text();
    one.body = text();
    one.gear = text();
    if (one_in(2)) {
      one.flux_id = last_.flux_id;
      one.trace_id = last_.trace_id;
      one.span_id = last_.span_id;
    }
    one.attributes = attributes();
    return one;
  }

  SeededRandom random_{20'261'128};
  model::Transaction last_;
  int long_texts_ = 0;
};

TEST(OtlpGolden, BodiesOfOddRecordsAreThoseOfTheFiles) {
  const Resource edge = test::edge();
  const auto records = Odd().records();
  const Batch batch{.resource = &edge, .records = sanitize::TestRecords::of(records)};
  constexpr std::uint32_t kItems[] = {2 * kRecordsOfAKind, kRecordsOfAKind, 2 * kRecordsOfAKind};
  for (const auto signal : model::kAllSignals)
    for (const auto encoding : {Encoding::kProtobuf, Encoding::kJson}) {
      const auto out = encode(signal, {&batch, 1}, {.encoding = encoding, .limits = {}});
      ASSERT_EQ(out.payloads.size(), 1U);
      EXPECT_EQ(out.payloads[0].items, kItems[static_cast<std::size_t>(signal)]);
      const auto bytes = as_bytes(out.payloads[0].body);
      model::golden::expect_golden(std::string("otlp/odd_").append(to_string(signal)) +
                                       (encoding == Encoding::kProtobuf ? ".pb" : ".json"),
                                   Bytes(bytes.begin(), bytes.end()));
    }
}

}  // namespace
}  // namespace fluxrig::otlp
