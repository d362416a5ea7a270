#include "sanitize/clean_record.hpp"

#include <gtest/gtest.h>

#include <concepts>

#include "base/random.hpp"
#include "cbor/decoder.hpp"
#include "model/record_codec.hpp"
#include "sanitize/clean_list.hpp"
#include "sanitize/scan/test_numbers.hpp"

namespace fluxrig::sanitize {
namespace {

constexpr std::string_view kNumber = "4111111111111111";
constexpr std::string_view kMasked = "411111******1111";

std::string with_number(std::string_view before) { return std::string(before) + std::string(kNumber); }

std::vector<model::Attribute> attributes() {
  return {{with_number("key "), with_number("value ")},
          {"integer", std::int64_t{4111111111111111}},
          {"real", 4111111111111111.0},
          {"amount", std::int64_t{1050}},
          {"ratio", 0.5}};
}

// No text of the encoded record holds the number, in clear or as an integer.
void expect_clean(const model::Record& record) {
  Bytes bytes;
  model::encode(record, bytes);
  EXPECT_EQ(as_text(bytes).find(kNumber), std::string_view::npos);
  std::uint8_t integer[8];
  store_be64(integer, 4111111111111111);
  EXPECT_EQ(as_text(bytes).find(as_text({integer, sizeof integer})), std::string_view::npos);
}

TEST(CleanRecord, EveryTextOfEveryKindIsSearched) {
  model::Transaction transaction;
  transaction.tracestate = with_number("v=");
  transaction.gear = with_number("g");
  transaction.name = with_number("GET /");
  transaction.reason = with_number("reason ");
  transaction.attributes = attributes();
  transaction.redactions = {with_number("x")};
  model::Intent intent;
  intent.gear = with_number("g");
  intent.name = with_number("n");
  intent.attributes = attributes();
  intent.redactions = {with_number("x")};
  model::Span span;
  span.gear = with_number("g");
  span.name = with_number("n");
  span.status_message = with_number("m");
  span.attributes = attributes();
  model::MetricPoint point;
  point.name = with_number("m");
  point.unit = with_number("u");
  point.gear = with_number("g");
  point.attributes = attributes();
  model::Log log;
  log.event_name = with_number("e");
  log.body = with_number("b");
  log.gear = with_number("g");
  log.attributes = attributes();
  for (const model::Record& record : {model::Record(transaction), model::Record(intent), model::Record(span),
                                      model::Record(point), model::Record(log)})
    expect_clean(clean(record).value());
}

TEST(CleanRecord, NumbersThatAreNoneStayNumbersAndOthersBecomeMaskedText) {
  model::Log log;
  log.attributes = attributes();
  const auto cleaned = clean(log);
  const auto& out = std::get<model::Log>(cleaned.value()).attributes;
  EXPECT_EQ(out[1].value, model::Value(std::string(kMasked)));
  EXPECT_EQ(out[2].value, model::Value(std::string(kMasked)));
  EXPECT_EQ(out[3].value, model::Value(std::int64_t{1050}));
  EXPECT_EQ(out[4].value, model::Value(0.5));
}

TEST(CleanRecord, TwiceIsOnce) {
  model::Log log;
  log.body = with_number("b ");
  log.attributes = attributes();
  const auto once = clean(log);
  EXPECT_EQ(clean(once.value()).value(), once.value());
}

// As they stand in records: whatever the gate does to texts, these come out bit by bit.
TEST(CleanRecord, RandomIdsAndTimesComeOutUnchanged) {
  SeededRandom random(16);
  for (std::uint64_t i = 0; i < size_of_run(20'000); ++i) {
    model::Transaction record;
    record.flux_id = FluxId{make_machine_id(random).bytes};
    record.trace_id = make_trace_id(random);
    record.span_id = make_span_id(random);
    record.parent_span_id = make_span_id(random);
    record.start = UnixNanos{static_cast<std::int64_t>(random.next() >> 1)};
    record.end = UnixNanos{static_cast<std::int64_t>(random.next() >> 1)};
    record.links.push_back({make_trace_id(random), make_span_id(random), record.flux_id, "reversal_of"});
    const model::Record before = record;
    ASSERT_EQ(clean(before).value(), before) << "seed 16, round " << i;
  }
}

TEST(CleanRecord, IdsTimesAndMeasurementsAreExemptByTheirTypes) {
  model::MetricPoint point;
  point.name = "bytes";
  point.time = UnixNanos{4111111111111111};
  point.data = model::Sum{4111111111111111.0, true};
  EXPECT_EQ(clean(point).value(), model::Record(point));
  model::Span span;
  for (std::size_t i = 0; i < 8; ++i) span.trace_id.bytes[i] = 0x41;
  EXPECT_EQ(clean(span).value(), model::Record(span));
}

TEST(CleanList, SearchesWhatIsAddedAndWhatItIsMadeOf) {
  model::Log log;
  log.body = with_number("body ");
  CleanList list({model::Record(log)});
  list.add(log);
  ASSERT_EQ(list.size(), 2U);
  for (const auto& record : list.all()) expect_clean(record);
  EXPECT_EQ(list.all().part(1, 2).data(), list.all().data() + 1);
}

// What an exporter takes is made by a CleanList alone.
static_assert(!std::constructible_from<CleanSpan, std::span<const model::Record>>);
static_assert(!std::convertible_to<std::vector<model::Record>, CleanSpan>);
static_assert(!std::constructible_from<CleanRecord, model::Record>);

TEST(CleanRecords, HoldTheRecordsOneAfterTheOther) {
  CleanRecords records;
  EXPECT_TRUE(records.empty());
  model::Log log;
  log.body = "one";
  records.add(clean(log));
  records.add(clean(log));
  EXPECT_EQ(records.count(), 2U);
  cbor::Decoder items(records.bytes());
  for (int i = 0; i < 2; ++i) EXPECT_EQ(*model::decode(*items.skip()), model::Record(log));
  EXPECT_TRUE(items.at_end());
  records.clear();
  EXPECT_TRUE(records.empty() && records.size() == 0);
}

}  // namespace
}  // namespace fluxrig::sanitize
