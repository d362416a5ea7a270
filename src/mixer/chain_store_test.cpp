// Ingest, watch, store and API together, over a real DuckDB and a bus that only remembers.
#include <filesystem>
#include <fstream>

#include "mixer/api/api_audit.hpp"
#include "mixer/ingest.hpp"
#include "mixer/test_chain.hpp"
#include "model/receipt.hpp"
#include "sink/duckdb/database.hpp"
#include "sink/store_fixture.hpp"
#include "snake/subjects.hpp"
#include "wal/chain_verifier.hpp"

namespace fluxrig::mixer {
namespace {

using testing::ChainRack;

// Keeps receipts and acknowledgements; nothing else is asked of it.
class RecordingBus final : public snake::Bus {
 public:
  std::vector<model::Receipt> receipts;
  std::size_t acknowledged = 0;

  Result<void> publish_stream(snake::Outgoing, snake::PublishDone) override { return {}; }
  Result<void> publish(std::string_view, const sanitize::CleanBytes& payload) override {
    receipts.push_back(model::decode_receipt(payload).value());
    return {};
  }
  Result<Bytes> request(std::string_view, const sanitize::CleanBytes&, std::chrono::milliseconds) override {
    return Bytes{};
  }
  Result<std::unique_ptr<snake::Subscription>> subscribe(std::string_view, snake::DeliveryHandler) override {
    return fail(ErrorCode::kUnsupported, "not in this test");
  }
  Result<void> acknowledge(std::string_view) override { return ++acknowledged, Result<void>{}; }
  Result<void> redeliver_after(std::string_view, std::chrono::milliseconds) override { return {}; }
  Result<void> terminate(std::string_view) override { return {}; }
  bool connected() const noexcept override { return true; }
  std::size_t unacknowledged() const noexcept override { return 0; }
};

class ChainStoreTest : public sink::StoreTest {
 protected:
  ChainStoreTest() : rack_(machine_) {
    racks_.replace({{machine_, "edge"}});
    rack_.time = clock_.now();
  }
  void start() {
    open();
    ingest_ = std::make_unique<Ingest>(Ingest::Parts{sink(), bus_, racks_, clock_, diagnostics_, counters_},
                                       IngestLimits{});
    ingest_->watch_presence([this](const MachineId&) { return present_since_; });
  }
  [[nodiscard]] bool send(const std::vector<Bytes>& blocks) {
    for (const auto& block : blocks) {
      snake::Delivery delivery;
      delivery.subject = snake::audit_subject(machine_);
      delivery.payload = block;
      delivery.reply = "reply";
      ingest_->add(std::move(delivery), model::Lane::kAudit);
    }
    return ingest_->flush().has_value();
  }
  void look(std::int64_t seconds) {
    clock_.advance(seconds * kNanosPerSecond);
    ASSERT_TRUE(ingest_->look_for_gaps());
  }
  [[nodiscard]] ApiResponse ask(const std::string& target) {
    ApiRequest request;
    request.method = "GET";
    EXPECT_TRUE(parse_target(target, request));
    const ApiParts parts{store_->queries(), presence_, racks_, counters_, tail_, clock_, "", {}, "", {}, {}};
    return audit_response(parts, request.path.substr(14), request);
  }
  // Every block of the epoch as the API gives them.
  [[nodiscard]] std::vector<Bytes> stored_blocks(std::uint32_t epoch = 1) {
    std::vector<Bytes> blocks;
    const auto base =
        "/api/v1/audit/blocks?machine_id=" + to_string(machine_) + "&epoch=" + std::to_string(epoch);
    std::string path = base;
    for (int page = 0; page < 100; ++page) {
      const auto response = ask(path);
      EXPECT_EQ(response.status, 200U) << response.body.text();
      cbor::Decoder decoder(as_bytes(response.body.text()));
      const std::string next(decoder.text().value());
      while (!decoder.at_end()) {
        const auto bytes = decoder.bytes().value();
        blocks.emplace_back(bytes.begin(), bytes.end());
      }
      if (next.empty()) return blocks;
      path = base + "&cursor=";
      path += next;
    }
    ADD_FAILURE() << "pages without end";
    return blocks;
  }
  [[nodiscard]] wal::ChainReport verify() {
    wal::ChainVerifier verifier({.keys = {rack_.key().public_key()}});
    for (const auto& block : stored_blocks()) verifier.add(block);
    return verifier.finish();
  }
  // 2,000 small blocks with a checkpoint after every tenth.
  void fill() {
    std::vector<Bytes> blocks = {rack_.header()};
    for (int i = 0; i < 2'000; ++i) {
      blocks.push_back(rack_.records(2));
      if (i % 10 == 9) blocks.push_back(rack_.checkpoint());
    }
    ASSERT_TRUE(send(blocks));
  }
  // Somebody at the store's file while the mixer is stopped.
  void tamper(const std::string& sql) {
    ingest_.reset();
    store_.reset();
    {
      auto database = sink::Database::open({.file = (options_.directory / "store.duckdb").string(),
                                            .readable_directory = options_.directory.string(),
                                            .memory_limit_bytes = 256ULL << 20,
                                            .threads = 1});
      ASSERT_TRUE(database);
      auto connection = database->connect();
      ASSERT_TRUE(connection);
      const auto done = connection->run(sql);
      ASSERT_TRUE(done) << done.error().message;
    }
    start();
  }

  RecordingBus bus_;
  RackIndex racks_;
  Presence presence_;
  TailHub tail_;
  IngestCounters counters_;
  ChainRack rack_;
  std::optional<UnixNanos> present_since_;
  std::unique_ptr<Ingest> ingest_;
};

TEST_F(ChainStoreTest, KeepsEveryBlockOnceAndNamesTheChainsHeadInReceipts) {
  start();
  const std::vector<Bytes> blocks = {rack_.header(), rack_.records(3), rack_.checkpoint()};
  ASSERT_TRUE(send(blocks));
  ASSERT_TRUE(send(blocks));
  EXPECT_EQ(cell("SELECT count(*) FROM audit_blocks"), "3");
  EXPECT_EQ(cell("SELECT count(*) FROM transactions"), "3");
  EXPECT_EQ(counters_.audit_blocks, 3U);
  EXPECT_EQ(counters_.audit_repeats, 3U);
  EXPECT_EQ(counters_.duplicates, 3U);
  EXPECT_EQ(bus_.acknowledged, 6U);
  ASSERT_FALSE(bus_.receipts.empty());
  EXPECT_EQ(bus_.receipts.back().chain->next.value, 4U);
  EXPECT_EQ(bus_.receipts.back().chain->hash, rack_.head);
  const auto last = bus_.receipts.size();
  ASSERT_TRUE(send({rack_.checkpoint()}));
  ASSERT_GT(bus_.receipts.size(), last) << "a control block alone moves the head as well";
  EXPECT_EQ(bus_.receipts.back().chain->hash, rack_.head);
}

TEST_F(ChainStoreTest, AForkIsAlarmedCountedAndNotStored) {
  start();
  ASSERT_TRUE(send({rack_.header(), rack_.records(3)}));
  auto twin = rack_;
  ASSERT_TRUE(send({rack_.records(2), rack_.checkpoint()}));
  twin.time.value += 7;
  start();  // what is known comes from the store
  ASSERT_TRUE(send({twin.records(2), rack_.records(1)}));
  EXPECT_EQ(counters_.audit_forks, 1U);
  EXPECT_EQ(counters_.alarms_open, 1U);
  EXPECT_EQ(cell("SELECT count(*) FROM transactions"), "6");
  EXPECT_EQ(cell("SELECT count(*) FROM audit_blocks"), "5");
  EXPECT_EQ(cell("SELECT kind || ' ' || first_seq FROM audit_alarms"), "fork 4");
  EXPECT_NE(ask("/api/v1/audit/status").body.text().find(R"("state":"alarm")"), std::string::npos);
  EXPECT_NE(ask("/api/v1/audit/alarms?open=true").body.text().find(R"("kind":"fork")"), std::string::npos);
  EXPECT_NE(ask("/api/v1/audit/alarms?kind=fork").body.text().find(R"("kind":"fork")"), std::string::npos);
  EXPECT_EQ(ask("/api/v1/audit/alarms?kind=rollback").body.text(), "{\"alarms\":[]}\n");
  EXPECT_EQ(ask("/api/v1/audit/alarms?kind=forks").status, 400U);
  EXPECT_TRUE(verify().good());
}

TEST_F(ChainStoreTest, AFailedCommitIsJudgedAgainAsIfItHadNotBeen) {
  std::string failing;
  options_.fail_point = [&](std::string_view step) { return step == failing; };
  start();
  failing = "commit.audit";
  ASSERT_FALSE(send({rack_.header(), rack_.records(3), rack_.checkpoint()}));
  EXPECT_TRUE(sink().audit().epochs.empty());
  EXPECT_EQ(bus_.acknowledged, 0U);
  failing.clear();
  ASSERT_TRUE(ingest_->flush());
  EXPECT_EQ(counters_.audit_blocks, 3U);
  EXPECT_EQ(counters_.audit_repeats, 0U);
  EXPECT_EQ(counters_.alarms_raised, 0U);
  EXPECT_TRUE(verify().good());
}

TEST_F(ChainStoreTest, AGapIsRaisedOnceOverRestartsAndEndsWhenTheBlocksCome) {
  start();
  ASSERT_TRUE(send({rack_.header(), rack_.records(3)}));
  const auto lost = rack_.records(2);
  ASSERT_TRUE(send({rack_.records(1)}));
  look(1'000);
  EXPECT_EQ(cell("SELECT count(*) FROM audit_alarms"), "0") << "the rack is away: late";
  EXPECT_NE(ask("/api/v1/audit/status").body.text().find(R"("state":"late")"), std::string::npos);
  present_since_ = clock_.now();
  look(121);
  start();
  look(200);
  EXPECT_EQ(cell("SELECT count(*) FROM audit_alarms"), "1");
  EXPECT_EQ(cell("SELECT what FROM audit_alarms WHERE resolved_at IS NULL"), "records 4 to 5 are missing");
  ASSERT_TRUE(send({lost}));
  EXPECT_EQ(cell("SELECT count(*) FROM audit_alarms WHERE resolved_at IS NOT NULL"), "1");
  EXPECT_EQ(counters_.alarms_open, 0U);
  EXPECT_TRUE(verify().good());
}

TEST_F(ChainStoreTest, ADeclaredLossLetsTheRackGo) {
  start();
  ASSERT_TRUE(send({rack_.header(), rack_.records(3)}));
  (void)rack_.records(2);
  ASSERT_TRUE(send({rack_.records(1)}));
  EXPECT_EQ(bus_.receipts.back().chain->next.value, 4U);
  ASSERT_TRUE(
      send({rack_.loss({"damage", 2, clock_.now(), clock_.now(), wal::LossBody::Range{{1}, {4}, {5}}}),
            rack_.checkpoint()}));
  const auto& receipt = bus_.receipts.back();
  ASSERT_EQ(receipt.ranges.size(), 1U);
  EXPECT_EQ(receipt.ranges[0].second.value, 6U);
  EXPECT_EQ(receipt.chain->next.value, 7U);
  EXPECT_EQ(cell("SELECT kind FROM audit_alarms"), "declared_loss");
  EXPECT_EQ(cell("SELECT last_seq FROM ledger ORDER BY ALL LIMIT 1"), "3")
      << "the ledger holds what is stored";
  EXPECT_TRUE(verify().good()) << summary(verify());
}

TEST_F(ChainStoreTest, PagesGiveTheWholeChainHotAndCold) {
  start();
  fill();
  clock_.advance(4 * sink::kHour);
  rack_.time = clock_.now();
  maintain_fully();
  ASSERT_TRUE(send({rack_.records(1), rack_.checkpoint(), rack_.checkpoint(), rack_.checkpoint()}));
  auto report = verify();
  EXPECT_TRUE(report.good()) << summary(report);
  EXPECT_EQ(report.records, 4'001U);
  EXPECT_EQ(report.blocks, 2'205U);
  EXPECT_EQ(report.signed_to.value, 4'001U);
}

TEST_F(ChainStoreTest, TamperingWithTheStoreShows) {
  start();
  fill();
  ASSERT_TRUE(verify().good());
  tamper(
      "UPDATE hot_audit_blocks SET bytes = unhex(replace(hex(bytes), hex('authorize'::BLOB), "
      "hex('authorise'::BLOB))) WHERE first_seq = 1001 AND kind = 'records'");
  EXPECT_EQ(verify().fault_count, 1U) << summary(verify());
  tamper("DELETE FROM hot_audit_blocks WHERE first_seq = 2001 AND kind = 'records'");
  EXPECT_EQ(verify().fault_count, 2U) << summary(verify());
  tamper("DELETE FROM hot_audit_blocks WHERE first_seq > 3000");
  EXPECT_EQ(verify().next.value, 3'001U);
  // The end that is gone shows beside the head that the watch has kept.
  EXPECT_NE(ask("/api/v1/audit/heads").body.text().find(R"("next_seq":4001)"), std::string::npos);
}

TEST_F(ChainStoreTest, AParquetPartThatIsGoneShows) {
  options_.part_rows = 500;
  start();
  fill();
  clock_.advance(4 * sink::kHour);
  maintain_fully();
  ASSERT_TRUE(verify().good()) << summary(verify());
  const auto part =
      cell("SELECT path FROM parquet_files WHERE signal = 'audit_blocks' ORDER BY id LIMIT 1 OFFSET 1");
  ingest_.reset();
  store_.reset();
  std::filesystem::remove(options_.directory / "parquet" / part);
  start();
  const auto report = verify();
  ASSERT_FALSE(report.good());
  EXPECT_EQ(report.faults[0].kind, wal::FaultKind::kGap) << summary(report);
}

TEST_F(ChainStoreTest, AChangedParquetPartIsNamedByTheFilesOfTheApi) {
  start();
  fill();
  clock_.advance(4 * sink::kHour);
  maintain_fully();
  auto pages = ask("/api/v1/audit/files").body.text();
  EXPECT_NE(pages.find(R"("state":"good"}])"), std::string::npos) << pages;
  EXPECT_EQ(pages.find("altered"), std::string::npos) << pages;
  EXPECT_NE(ask("/api/v1/audit/status").body.text().find(R"("store":{"state":"ok")"), std::string::npos);
  const auto part = cell("SELECT path FROM parquet_files ORDER BY id LIMIT 1");
  std::ofstream(options_.directory / "parquet" / part, std::ios::in | std::ios::binary)
      .seekp(100)
      .put('!')
      .put('?');
  pages = ask("/api/v1/audit/files?after=0").body.text();
  EXPECT_NE(pages.find("parquet/" + part), std::string::npos) << pages;
  EXPECT_NE(pages.find(R"("state":"altered")"), std::string::npos) << pages;
  clock_.advance(13 * sink::kHour);
  maintain_fully();
  EXPECT_NE(ask("/api/v1/audit/status").body.text().find(R"("store":{"state":"alarm")"), std::string::npos);
  EXPECT_NE(ask("/api/v1/audit/alarms?open=true").body.text().find(part), std::string::npos);
  for (const char* wrong : {"?after=", "?after=-1", "?after=1x", "?before=1"})
    EXPECT_EQ(ask("/api/v1/audit/files" + std::string(wrong)).status, 400) << wrong;
}

}  // namespace
}  // namespace fluxrig::mixer
