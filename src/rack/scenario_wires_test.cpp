#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rack/scenario_fixture.hpp"

namespace fluxrig::rack {
namespace {

using namespace scenario_test;
using ::testing::HasSubstr;

TEST(ScenarioWires, AnOutputThatLeadsNowhereIsNamed) {
  const auto complaints = complaints_of(with(kThree, "shop -> codec"));
  ASSERT_EQ(complaints.size(), 2U);
  EXPECT_EQ(complaints[0].message, "the output of 'codec' is not wired");
  EXPECT_EQ(complaints[1].message, "no wire leads to gear 'bank'");
}

TEST(ScenarioWires, NothingLeadsIntoAnIngressOrOutOfAnEgress) {
  EXPECT_EQ(only_complaint(with(kThree, "shop -> codec -> bank, codec -> shop")).message,
            "gear 'shop' (http_server) lets messages in: no wire can lead into it");
  EXPECT_EQ(only_complaint(with(kThree, "shop -> bank -> codec")).message,
            "gear 'bank' (tcp_client) sends messages out: no wire can lead out of it");
}

TEST(ScenarioWires, OneOutputLeadsToOneGear) {
  const auto complaint = only_complaint(with(kThree, "shop -> codec -> bank, shop -> bank"));
  EXPECT_EQ(complaint.message, "gear 'shop' is already wired to 'codec'");
  EXPECT_THAT(complaint.hint, HasSubstr("route"));
}

TEST(ScenarioWires, ALoopIsNamedInFull) {
  const std::string gears = three_and("  second: { type: codec }\n");
  const auto complaints = complaints_of(with(gears, "shop -> codec -> second -> codec"));
  ASSERT_FALSE(complaints.empty());
  EXPECT_EQ(complaints[0].message, "the wires go round: codec -> second -> codec");
}

TEST(ScenarioWires, PortsAreCheckedByName) {
  const std::string gears = three_and("  split: { type: splitter }\n");
  EXPECT_EQ(only_complaint(with(gears, "shop -> split.lfet -> bank")).hint,
            "did you mean 'split.left'? one of: left, right");
  EXPECT_EQ(only_complaint(with(gears, "shop -> split -> bank")).message,
            "gear 'split' (splitter) has several ports: say which");
  EXPECT_EQ(only_complaint(with(gears, "shop.out -> bank")).message,
            "gear 'shop' (http_server) has no named ports");
  EXPECT_THAT(only_complaint(with(gears, "shop -> split.left")).message,
              HasSubstr("leads into a gear, not into a port"));
}

TEST(ScenarioWires, ReadsQuotedWiresAndMarksTheNameInThem) {
  const auto complaint = only_complaint(with(kThree, "\"shop -> codek\""));
  EXPECT_EQ(complaint.mark.column, 18);
  EXPECT_EQ(complaint.width, 5);
}

TEST(ScenarioWires, RefusesWhatIsNoWire) {
  EXPECT_THAT(only_complaint(with(kThree, "shop")).message, HasSubstr("at least two gears"));
  EXPECT_THAT(only_complaint(with(kThree, "shop -> -> bank")).message, HasSubstr("an arrow without a gear"));
  EXPECT_THAT(only_complaint(with(kThree, "[a, b]")).message, HasSubstr("written as text"));
  EXPECT_THAT(only_complaint("rack: a\ngears: {c: {type: codec}}\nwires: x").message,
              HasSubstr("must be a list"));
}

}  // namespace
}  // namespace fluxrig::rack
