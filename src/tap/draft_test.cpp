#include "tap/draft.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/random.hpp"

namespace fluxrig::tap {
namespace {

// What a draft wrote, read back.
struct Written {
  explicit Written(Draft& draft) {
    RingPosition position;
    EXPECT_EQ(draft.write(ring, position), Draft::Written::kAll);
    bytes = ring.peek();
  }
  [[nodiscard]] RecordView view() const { return RecordView(bytes); }
  Ring ring{8192};
  ByteView bytes;
};

Draft begun(std::string_view tracestate = {}) {
  SeededRandom random(3);
  RecordHead head;
  head.trace_id = make_trace_id(random);
  head.span_id = make_span_id(random);
  Draft draft;
  draft.begin(head, tracestate);
  return draft;
}

TEST(ChildSpanId, IsAnotherForEachSlotAndRootAndNeverZero) {
  SeededRandom random(7);
  std::set<SpanId> seen;
  constexpr int kRoots = 2'000;
  for (int root = 0; root < kRoots; ++root) {
    const auto id = make_span_id(random);
    EXPECT_TRUE(seen.insert(id).second);
    for (std::uint8_t i = 0; i < kMaxSpans; ++i) {
      const auto child = child_span_id(id, i);
      EXPECT_FALSE(child.is_zero());
      EXPECT_TRUE(seen.insert(child).second) << to_string(id) << " slot " << int{i};
    }
  }
}

TEST(ChildSpanId, IsNotZeroWhereTheMixWouldBe) {
  SpanId root;  // this one and slot 0 mix to zero: the sum is
  store_be64(root.bytes.data(), 0 - 0x9e3779b97f4a7c15U);
  EXPECT_FALSE(child_span_id(root, 0).is_zero());
}

TEST(Draft, FindsASpanByTheIdThatItsReaderSees) {
  Draft draft = begun();
  for (int i = 0; i < 5; ++i) (void)draft.begin_span({});
  const Written written(draft);
  for (std::uint8_t i = 0; i < 5; ++i) {
    EXPECT_EQ(draft.find_span(draft.span_id(i)), i);
    EXPECT_EQ(written.view().span_id(i), draft.span_id(i));
  }
  EXPECT_EQ(draft.span_id(5), draft.head().span_id);
  EXPECT_EQ(draft.find_span(draft.head().span_id), kRootSpan);
}

// Texts are copied in words of several sizes.
TEST(Draft, TextsOfEveryLengthComeBackAsTheyWere) {
  SeededRandom random(11);
  for (std::size_t size = 0; size <= kMaxTextBytes + 40; ++size) {
    std::string text(size, ' ');
    for (char& one : text) one = static_cast<char>('!' + random.below(90));
    Draft draft = begun("vendor=" + std::string(size % 97, 'v'));
    (void)draft.begin_span({});
    draft.attribute(FieldId{7}, "before", 0);
    draft.attribute(FieldId{8}, text);
    draft.attribute(FieldId{9}, std::int64_t{-5});
    const Written written(draft);
    std::vector<RecordView::Attribute> seen;
    written.view().each_attribute([&](const RecordView::Attribute& one) { seen.push_back(one); });
    ASSERT_EQ(seen.size(), 3U);
    EXPECT_EQ(seen[0].text, "before");
    EXPECT_EQ(seen[0].span, 0);
    EXPECT_EQ(seen[1].text, text.substr(0, kMaxTextBytes)) << size;
    EXPECT_EQ(seen[1].span, kRootSpan);
    EXPECT_EQ(seen[1].field, FieldId{8});
    EXPECT_EQ(seen[2].number, -5);
    EXPECT_EQ(written.view().tracestate(), "vendor=" + std::string(size % 97, 'v'));
  }
}

TEST(Draft, AttributesWithoutRoomAreCountedAndTheOthersStay) {
  Draft draft = begun();
  const std::string text(kMaxTextBytes, 'x');
  for (int i = 0; i < 12; ++i) draft.attribute(FieldId{static_cast<std::uint16_t>(i)}, text);
  const Written written(draft);
  int seen = 0;
  written.view().each_attribute([&](const RecordView::Attribute& one) {
    EXPECT_EQ(one.text, text);
    ++seen;
  });
  EXPECT_EQ(seen + written.view().head().attributes_cut, 12);
  EXPECT_GE(seen, 7);
}

}  // namespace
}  // namespace fluxrig::tap
