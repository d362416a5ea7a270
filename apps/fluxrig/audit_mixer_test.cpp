#include "fluxrig/audit_mixer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cbor/encoder.hpp"
#include "fluxrig/audit_standing.hpp"
#include "fluxrig/trace_view.hpp"

namespace fluxrig::client {
namespace {

using testing::HasSubstr;

Bytes block(std::uint64_t first, std::uint32_t count, const model::Hash& previous) {
  model::BlockHead head;
  head.kind = count == 0 ? model::BlockKind::kHeader : model::BlockKind::kRecords;
  head.epoch = {7};
  head.first = {first};
  head.count = count;
  head.previous = previous;
  Bytes records;
  cbor::Encoder encoder(records);
  for (std::uint32_t i = 0; i < count; ++i) encoder.unsigned_integer(i);
  Bytes bytes;
  model::encode_block(head, records, {}, bytes);
  return bytes;
}

// An epoch of a header and three blocks of two records, as the mixer's watch saw it.
struct Stored {
  std::vector<Bytes> blocks;
  StoredEpoch epoch;
  Stored() {
    model::Hash head{};
    for (std::uint64_t first : {0, 1, 3, 5}) {
      blocks.push_back(block(std::max<std::uint64_t>(first, 1), first == 0 ? 0 : 2, head));
      head = model::hash_block(blocks.back());
    }
    epoch.epoch = {7};
    epoch.next = 7;
    epoch.head = head;
  }
  [[nodiscard]] std::vector<wal::ChainFault> check(std::size_t from, std::size_t to) const {
    EpochCheck check(epoch);
    for (std::size_t i = from; i < to; ++i) check.add(blocks[i]);
    return check.faults();
  }
};

TEST(EpochCheck, IsContentWithEverythingAndWithWhatCameMeanwhile) {
  Stored stored;
  EXPECT_TRUE(stored.check(0, 4).empty());
  stored.epoch.next = 5;
  stored.epoch.head = model::hash_block(stored.blocks[2]);
  EXPECT_TRUE(stored.check(0, 4).empty());
}

TEST(EpochCheck, MissesWhatWasTakenFromTheEndOrTheBeginning) {
  const Stored stored;
  auto faults = stored.check(0, 3);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].kind, wal::FaultKind::kGap);
  EXPECT_EQ(faults[0].sequence.value, 5U);
  EXPECT_THAT(faults[0].what, HasSubstr("up to sequence 6, and its end is not there"));
  faults = stored.check(1, 4);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_THAT(faults[0].what, HasSubstr("blocks before sequence 1"));
  EXPECT_EQ(stored.check(0, 0).size(), 1U);
}

TEST(EpochCheck, LetsRetentionTakeTheBeginningAndNoMore) {
  Stored stored;
  stored.epoch.retired_to = 3;
  EXPECT_TRUE(stored.check(2, 4).empty());
  EXPECT_EQ(stored.check(3, 4).size(), 1U);
  stored.epoch.retired_to = 7;
  EXPECT_TRUE(stored.check(0, 0).empty());
}

TEST(AuditMixer, PagesAreTakenApartAndGarbageIsRefused) {
  Bytes page;
  cbor::Encoder encoder(page);
  encoder.text("5~1");
  encoder.bytes(as_bytes("one"));
  encoder.bytes(as_bytes("two"));
  std::vector<std::string> blocks;
  const auto take = [&](std::string_view body) {
    return take_page(body, [&](ByteView bytes) -> Outcome<void> {
      blocks.emplace_back(bytes.begin(), bytes.end());
      return {};
    });
  };
  const std::string body(page.begin(), page.end());
  const auto next = take(body);
  ASSERT_TRUE(next);
  EXPECT_EQ(*next, "5~1");
  EXPECT_EQ(blocks, (std::vector<std::string>{"one", "two"}));
  for (std::size_t cut = 0; cut < body.size(); ++cut) {
    const bool between_items = cut == 4 || cut == 8;
    EXPECT_EQ(take(body.substr(0, cut)).has_value(), between_items) << cut;
  }
  EXPECT_FALSE(take("<html>"));
}

TEST(AuditMixer, AFileThatIsNotWhatWasWrittenMakesTheVerdictBadAndIsNamed) {
  CheckedStore store;
  auto next = take_files(
      R"({"files":[{"id":3,"file":"parquet/a","bytes":5,"state":"good"},{"id":4,"file":"parquet/b",
      "bytes":6,"state":"altered"}],"next":4})",
      store);
  ASSERT_TRUE(next);
  EXPECT_EQ(*next, 4U);
  next = take_files(R"({"files":[{"id":5,"file":"parquet/c","state":"unhashed"}],"next":null})", store);
  ASSERT_TRUE(next);
  EXPECT_EQ(*next, 0U);
  EXPECT_EQ(store.files, 3U);
  EXPECT_EQ(store.bytes, 11U);
  EXPECT_EQ(store.unhashed, 1U);
  ASSERT_EQ(store.fault_count, 1U);
  AuditVerdict verdict;
  EXPECT_TRUE(verdict.good());
  verdict.store = store;
  EXPECT_FALSE(verdict.good());
  EXPECT_THAT(render_audit(verdict, Terminal{}), HasSubstr("altered: parquet/b"));
  EXPECT_THAT(audit_as_json(verdict), HasSubstr(R"("faults":[{"file":"parquet/b","what":"altered"}])"));
  for (const char* wrong : {"", "[]", "{}", R"({"files":[1]})", R"({"files":[{"file":"x"}]})"})
    EXPECT_FALSE(take_files(wrong, store)) << wrong;
}

TEST(AuditMixer, EpochsAreReadFromHostileJson) {
  const auto epochs = parse_epochs(
      R"({"epochs":[{"machine_id":"11111111-1111-4111-8111-111111111111","rack":"edge","epoch":1700000000,
      "blocks":12,"first_seq":1,"next_seq":40,"retired_next":null,"public_key":"00"}],"truncated":false})");
  ASSERT_TRUE(epochs);
  ASSERT_EQ(epochs->size(), 1U);
  EXPECT_EQ((*epochs)[0].epoch.value, 1'700'000'000U);
  EXPECT_EQ((*epochs)[0].next, 40U);
  EXPECT_EQ((*epochs)[0].key, std::nullopt);
  for (const char* wrong :
       {"", "[]", "{}", R"({"epochs":[1]})", R"({"epochs":[{"machine_id":"x","epoch":1}]})",
        R"({"epochs":[{"machine_id":"11111111-1111-4111-8111-111111111111","epoch":-1}]})"})
    EXPECT_FALSE(parse_epochs(wrong)) << wrong;
  EXPECT_FALSE(parse_epochs(R"({"epochs":[],"truncated":true})"));
}

TEST(AuditMixer, WhatOnlyTheMixerSawMakesTheVerdictBadAndIsNamedOnce) {
  const auto seen = parse_seen(
      R"({"alarms":[{"id":4,"machine_id":"11111111-1111-4111-8111-111111111111","rack":"edge","kind":"rollback","epoch":8,
      "first_seq":1,"what":"an older copy of its directory came back","closed_by":"ana"},
      {"id":3,"machine_id":"11111111-1111-4111-8111-111111111111","rack":"edge","kind":"gap","epoch":7,"first_seq":5,"what":"x"},
      {"id":2,"machine_id":"22222222-2222-4222-8222-222222222222","rack":"host","kind":"fork","epoch":9,"first_seq":40,
      "what":"another block"}]})");
  ASSERT_TRUE(seen);
  ASSERT_EQ(seen->size(), 2U);
  AuditVerdict verdict;
  verdict.machines.push_back({{(*seen)[0].machine_id, "edge", {}}, {}});
  ASSERT_TRUE(verdict.good());
  add_seen(*seen, verdict);
  add_seen(*seen, verdict);
  EXPECT_FALSE(verdict.good());
  ASSERT_EQ(verdict.machines.size(), 2U) << "one of which nothing is stored";
  EXPECT_EQ(verdict.machines[0].report.fault_count, 1U);
  EXPECT_EQ(verdict.machines[1].report.fault_count, 1U);
  const auto text = render_audit(verdict, Terminal{});
  EXPECT_THAT(text, HasSubstr("rollback"));
  EXPECT_THAT(text, HasSubstr("the mixer saw: an older copy of its directory came back"));
  EXPECT_THAT(text, HasSubstr("the mixer saw: another block"));
}

TEST(AuditMixer, AlarmsThatAreNoneAreRefused) {
  for (const char* wrong :
       {"", "[]", "{}", R"({"alarms":[1]})", R"({"alarms":[{"kind":"fork","epoch":1}]})",
        R"({"alarms":[{"kind":"fork","machine_id":"11111111-1111-4111-8111-111111111111"}]})"})
    EXPECT_FALSE(parse_seen(wrong)) << wrong;
}

TEST(AuditStanding, ShowsHowFarEachRackIs) {
  const auto now = UnixNanos{*parse_time("2026-11-22T14:03:17Z")};
  const auto table = draw_audit_status(
      R"({"racks":[{"rack":"edge\u001b","state":"late","epoch":3,"on_disk_to":120,"stored_to":100,"lag_records":20,
      "verified_to":90,"signed_to":80,"unsigned_records":20,"last_checkpoint":"2026-11-22T14:03:12Z",
      "missing_pieces":1,"open_alarms":0}]})",
      now, {});
  ASSERT_TRUE(table);
  EXPECT_THAT(*table,
              HasSubstr("edge\\x1b  late       3         120        100   20           90         80"));
  EXPECT_THAT(*table, HasSubstr("5 s ago"));
  EXPECT_FALSE(draw_audit_status("{}", now, {}));
  EXPECT_EQ(*draw_audit_status(R"({"racks":[]})", now, {}), "no rack has sent an audit record yet\n");
}

TEST(AuditStanding, ListsAlarms) {
  const auto table = draw_audit_alarms(
      R"({"alarms":[{"id":4,"rack":"edge","kind":"gap","epoch":3,"first_seq":6,"count":1,"what":"records 6 to 8 are missing",
      "raised_at":"2026-11-22T14:03:12.123Z","resolved_at":null}]})",
      {});
  ASSERT_TRUE(table);
  EXPECT_THAT(*table, HasSubstr("gap       3       6      1  2026-11-22 14:03:12  -      records 6 to 8"));
}

}  // namespace
}  // namespace fluxrig::client
