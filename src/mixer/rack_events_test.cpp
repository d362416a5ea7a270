#include "mixer/rack_events.hpp"
#include "base/test_gate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace fluxrig::mixer {
namespace {

using testing::HasSubstr;

model::Log transition() {
  model::Log log;
  log.event_name = kPressureTransition;
  log.attributes = {{"fluxrig.pressure.from", std::string("normal")},
                    {"fluxrig.pressure.to", std::string("divert")},
                    {"fluxrig.pressure.mixer_level", std::int64_t{2}}};
  return log;
}

sink::IncomingBlock block_of(std::vector<model::Record> records) {
  sink::IncomingBlock block;
  block.head.lane = model::Lane::kAudit;
  block.head.epoch = Epoch{1};
  block.head.first = Sequence{10};
  block.rack = "edge";
  block.records = std::move(records);
  return block;
}

TEST(RackEvents, AreThoseThatTheLedgerDoesNotKnow) {
  model::Log other;
  other.event_name = "fluxrig.rack.started";
  const std::vector<sink::IncomingBlock> blocks{block_of({other, transition(), transition()})};
  EXPECT_EQ(rack_events(blocks, {}).size(), 2U);
  sink::Ledger ledger;
  ledger[{{}, model::Lane::kAudit, Epoch{1}}].add(Sequence{1}, Sequence{11});
  const auto fresh = rack_events(blocks, ledger);
  ASSERT_EQ(fresh.size(), 1U);
  EXPECT_EQ(fresh[0].rack, "edge");
  EXPECT_EQ(fresh[0].log, &std::get<model::Log>(blocks[0].records[2]));
}

TEST(RackEvents, BecomeOneLineWithTheirFigures) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  SystemClock clock;
  Diagnostics diagnostics(clock, pipe[1], DiagnosticFormat::kText, Severity::kInfo, pass_unsearched);
  const auto log = transition();
  tell_rack_event({"edge", &log}, diagnostics);
  ::close(pipe[1]);
  std::string line(512, '\0');
  line.resize(static_cast<std::size_t>(std::max<ssize_t>(::read(pipe[0], line.data(), line.size()), 0)));
  ::close(pipe[0]);
  EXPECT_THAT(line, HasSubstr("a rack changed its pressure state"));
  EXPECT_THAT(line, HasSubstr("rack=edge"));
  EXPECT_THAT(line, HasSubstr("figures=from=normal, to=divert, mixer_level=2"));
}

}  // namespace
}  // namespace fluxrig::mixer
