// Which items are sent, in how many bodies; the golden bodies.
#include "otlp/encode.hpp"

#include <protozero/pbf_reader.hpp>

#include "base/random.hpp"
#include "otlp/otlp_fixture.hpp"
#include "sanitize/test_clean_list.hpp"

namespace fluxrig::otlp {
namespace {

using model::Signal;

struct OtlpEncode : testing::TestWithParam<Encoding> {
  Resource edge = test::edge();
  Resource host = {
      model::golden::id_of<MachineId>("00000000000040008000000000000001"), {9}, "host", "", "", {}};

  [[nodiscard]] Options options(Limits limits = {}) const { return {GetParam(), limits}; }
  // How many messages of the repeated field stand in the body; both forms hold the key of each item once.
  static std::size_t spans_in(const Payload& payload) {
    return test::count_of(payload.body, "fluxrig.flux_id");
  }
  static std::vector<model::Record> spans(std::size_t count, std::size_t text_bytes = 20) {
    std::vector<model::Record> out;
    SeededRandom random(7);
    for (std::size_t i = 0; i < count; ++i) {
      auto one = model::golden::span();
      one.span_id = make_span_id(random);
      one.name = std::string(text_bytes, 'n');
      out.emplace_back(one);
    }
    return out;
  }
};
INSTANTIATE_TEST_SUITE_P(Both, OtlpEncode, testing::Values(Encoding::kProtobuf, Encoding::kJson));

TEST_P(OtlpEncode, NothingOfASignalIsNoBody) {
  const std::vector<model::Record> records = {model::golden::intent()};
  const Batch batch{.resource = &edge, .records = sanitize::TestRecords::of(records)};
  for (const auto signal : model::kAllSignals) {
    EXPECT_TRUE(encode(signal, {&batch, 1}, options()).payloads.empty());
    EXPECT_TRUE(encode(signal, {}, options()).payloads.empty());
  }
}

TEST_P(OtlpEncode, EachSignalTakesItsRecords) {
  const auto records = model::golden::records();
  const Batch batch{.resource = &edge, .records = sanitize::TestRecords::of(records)};
  const auto items = [&](Signal signal) {
    return encode(signal, {&batch, 1}, options()).payloads.at(0).items;
  };
  EXPECT_EQ(items(Signal::kSpans), 4U) << "two transactions and two spans";
  EXPECT_EQ(items(Signal::kMetrics), 5U);
  EXPECT_EQ(items(Signal::kLogs), 4U) << "two transactions and two logs";
}

TEST_P(OtlpEncode, CutsByItems) {
  const auto records = spans(10);
  const Batch batch{.resource = &edge, .records = sanitize::TestRecords::of(records)};
  const auto out = encode(Signal::kSpans, {&batch, 1}, options({.items = 4, .bytes = 1U << 20}));
  ASSERT_EQ(out.payloads.size(), 3U);
  std::size_t at = 0;
  for (const std::size_t count : {4U, 4U, 2U}) {
    EXPECT_EQ(out.payloads[at].items, count);
    EXPECT_EQ(spans_in(out.payloads[at]), count);
    ++at;
  }
}

TEST_P(OtlpEncode, CutsByBytesAndLosesNothing) {
  const auto records = spans(200);
  const Batch batch{.resource = &edge, .records = sanitize::TestRecords::of(records)};
  for (std::size_t bytes = 2500; bytes < 20'000; bytes += 777) {
    const auto out = encode(Signal::kSpans, {&batch, 1}, options({.items = 1000, .bytes = bytes}));
    EXPECT_EQ(out.oversize, 0U) << bytes;
    std::size_t items = 0;
    for (const auto& payload : out.payloads) {
      EXPECT_LE(payload.body.size(), bytes);
      EXPECT_EQ(spans_in(payload), payload.items);
      items += payload.items;
    }
    EXPECT_EQ(items, records.size()) << bytes;
    for (std::size_t i = 0; i + 1 < out.payloads.size(); ++i)
      EXPECT_GT(out.payloads[i].body.size() + 800, bytes) << "as full as one more item allows";
  }
}

TEST_P(OtlpEncode, AnItemOverTheLimitIsLeftOutAndCounted) {
  auto records = spans(3);
  std::get<model::Span>(records[1]).name = std::string(9000, 'x');
  for (const std::uint32_t most : {1000U, 1U}) {
    const Batch batch{.resource = &edge, .records = sanitize::TestRecords::of(records)};
    const auto out = encode(Signal::kSpans, {&batch, 1}, options({.items = most, .bytes = 5000}));
    EXPECT_EQ(out.oversize, 1U);
    std::size_t items = 0;
    for (const auto& payload : out.payloads) {
      EXPECT_EQ(spans_in(payload), payload.items);
      EXPECT_EQ(payload.body.find("xxx"), std::string::npos);
      items += payload.items;
    }
    EXPECT_EQ(items, 2U);
  }
  records.erase(records.begin());
  records.pop_back();
  const Batch batch{.resource = &edge, .records = sanitize::TestRecords::of(records)};
  const auto out = encode(Signal::kSpans, {&batch, 1}, options({.items = 10, .bytes = 5000}));
  EXPECT_EQ(out.oversize, 1U);
  EXPECT_TRUE(out.payloads.empty()) << "not a body without items";
}

TEST_P(OtlpEncode, PointsOfOneMetricAreCutAsWell) {
  std::vector<model::Record> records;
  for (int i = 0; i < 50; ++i) {
    auto point = model::golden::metric_point(model::golden::histogram());
    point.gear = "gear" + std::to_string(i);
    records.emplace_back(std::move(point));
  }
  const Batch batch{.resource = &edge, .records = sanitize::TestRecords::of(records)};
  const auto out = encode(Signal::kMetrics, {&batch, 1}, options({.items = 1000, .bytes = 3000}));
  EXPECT_GT(out.payloads.size(), 3U);
  std::size_t items = 0;
  for (const auto& payload : out.payloads) {
    EXPECT_LE(payload.body.size(), 3000U);
    EXPECT_EQ(test::count_of(payload.body, "fluxrig.gear.messages"), 1U)
        << "one Metric a body, and it has a name";
    EXPECT_EQ(test::count_of(payload.body, "\"fluxrig.gear\"") + test::count_of(payload.body,
                                                                                "\x0a\x0c"
                                                                                "fluxrig.gear"),
              payload.items);
    items += payload.items;
  }
  EXPECT_EQ(items, records.size());
}

TEST_P(OtlpEncode, RacksShareABodyAndKeepTheirResource) {
  const auto records = spans(2);
  const Batch batches[] = {{.resource = &edge, .records = sanitize::TestRecords::of(records)},
                           {.resource = &edge, .records = sanitize::TestRecords::of(records)},
                           {.resource = &host, .records = sanitize::TestRecords::of(records)}};
  const auto out = encode(Signal::kSpans, batches, options());
  ASSERT_EQ(out.payloads.size(), 1U);
  const std::string& body = out.payloads[0].body;
  EXPECT_EQ(out.payloads[0].items, 6U);
  EXPECT_EQ(test::count_of(body, "service.instance.id"), 2U);
  const auto second = body.find(instance_id(host.machine_id, host.epoch));
  ASSERT_NE(second, std::string::npos);
  EXPECT_EQ(test::count_of(std::string_view(body).substr(0, second), "fluxrig.flux_id"), 4U);
}

TEST_P(OtlpEncode, ABodyThatIsCutBetweenRacksNamesEachOfThem) {
  const auto records = spans(3);
  const Batch batches[] = {{.resource = &edge, .records = sanitize::TestRecords::of(records)},
                           {.resource = &host, .records = sanitize::TestRecords::of(records)}};
  const auto out = encode(Signal::kSpans, batches, options({.items = 2, .bytes = 1U << 20}));
  ASSERT_EQ(out.payloads.size(), 3U);
  const std::size_t resources[] = {1, 2, 1};
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(test::count_of(out.payloads[i].body, "service.instance.id"), resources[i]) << i;
}

TEST_P(OtlpEncode, ABodyHasNoMoreRoomThanItNeeds) {
  const auto records = spans(100);
  const Batch batch{.resource = &edge, .records = sanitize::TestRecords::of(records)};
  for (const auto& payload :
       encode(Signal::kSpans, {&batch, 1}, options({.items = 40, .bytes = 1U << 20})).payloads)
    EXPECT_LE(payload.body.capacity(), payload.body.size() + 64);
}

// The bodies that tests/interop/otlp_encoding.test.mjs decodes with the types of another implementation.
TEST(OtlpGolden, BodiesAreThoseOfTheFiles) {
  Resource edge = test::edge();
  edge.attributes = {{"host.name", std::string("shop-17")}};
  const auto records = model::golden::records();
  const Batch batch{&edge,
                    sanitize::TestRecords::of(records),
                    model::golden::after(20'000'000'000),
                    model::Lane::kAudit,
                    {120'331}};
  for (const auto signal : model::kAllSignals)
    for (const auto encoding : {Encoding::kProtobuf, Encoding::kJson}) {
      const auto out = encode(signal, {&batch, 1}, {.encoding = encoding, .limits = {}});
      ASSERT_EQ(out.payloads.size(), 1U);
      const auto bytes = as_bytes(out.payloads[0].body);
      model::golden::expect_golden(std::string("otlp/").append(to_string(signal)) +
                                       (encoding == Encoding::kProtobuf ? ".pb" : ".json"),
                                   Bytes(bytes.begin(), bytes.end()));
    }
}

TEST(OtlpProtobuf, EveryLengthIsThatOfItsMessage) {
  const Resource edge = test::edge();
  const auto records = model::golden::records();
  const Batch batch{.resource = &edge, .records = sanitize::TestRecords::of(records)};
  const auto out = encode(Signal::kSpans, {&batch, 1}, {});
  protozero::pbf_reader request(out.payloads.at(0).body);
  ASSERT_TRUE(request.next(1));
  auto resource = request.get_message();
  EXPECT_FALSE(request.next());
  ASSERT_TRUE(resource.next(2));
  auto scope = resource.get_message();
  int spans = 0;
  while (scope.next(2)) {
    auto span = scope.get_message();
    while (span.next()) span.skip();
    ++spans;
  }
  EXPECT_EQ(spans, 4);
}

}  // namespace
}  // namespace fluxrig::otlp
