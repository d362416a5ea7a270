// Moves messages along the wires, and taps every gear on the way. The heart of a rack: the implementation of
// gear::Services. One thread (the io thread), except `publish_durable`.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "gear/services.hpp"
#include "model/agent.hpp"
#include "rack/doorbell.hpp"
#include "rack/loss_window.hpp"
#include "rack/open_transaction.hpp"
#include "rack/scenario.hpp"
#include "rack/wiring.hpp"
#include "sanitize/seal.hpp"
#include "tap/ring.hpp"
#include "tap/sampling.hpp"
#include "tap/ticks.hpp"

namespace fluxrig::rack {

class ContextExchange;

// Why new work is refused. Written by the pump thread (disk) and the io thread (drain), read by the io
// thread.
struct Admission {
  std::atomic<bool> audit_blocked{false};
  std::atomic<bool> draining{false};
};

struct RuntimeCounters {
  tap::Counter begun;
  tap::Counter refused_full;  // too many in flight
  tap::Counter refused_disk;  // the audit lane cannot write
  tap::Counter refused_draining;
  tap::Counter late_resumes;  // for a transaction that had ended
  tap::Counter timeouts;
  tap::Counter contexts_adopted;
  tap::Counter contexts_missed;
  tap::Counter intents;
  tap::Counter held_replies;        // with kInterval: the disk was behind
  tap::Counter departures_refused;  // their intent did not reach the disk in time
};

class Runtime final : public gear::Services {
 public:
  struct Parts {
    boost::asio::io_context& io;
    const Clock& clock;
    SeededRandom& random;
    Diagnostics& diagnostics;
    tap::Names& names;
    const tap::TickSource& ticks;
    double nanos_per_tick = 1.0;
    tap::Ring& ring;
    Doorbell& pump_bell;
    Admission& admission;
    snake::Bus* bus = nullptr;  // null: no mixer
    MachineId machine_id;
    std::string rack;
    Limits limits;
    Durability durability = Durability::kCommit;
    IntentMode intent = IntentMode::kAsync;
    std::chrono::milliseconds interval{5};  // with kInterval: the loss window
    // Who works for gears; empty: threads.
    std::function<std::unique_ptr<gear::Worker>(gear::Job&, const char*)> employ = {};
  };

  Runtime(Parts parts, Wiring wiring);
  ~Runtime() override;

  // Before start: where gears may keep files.
  void set_data(wal::Disk& disk, std::string directory) {
    disk_ = &disk;
    data_directory_ = std::move(directory);
  }
  // Before start: under which messages for the bus are sealed.
  void seal_under(sanitize::TokenKeys keys) {
    seal_ = std::make_unique<sanitize::MessageSeal>(std::move(keys));
  }
  // Of traces that begin in this rack; on the io thread.
  void set_sampling(double ratio) { head_sampler_ = tap::HeadSampler(ratio); }
  [[nodiscard]] Outcome<void> start();
  void drain();  // gears close their listeners; begin refuses
  void stop();   // gears close everything
  [[nodiscard]] std::size_t open() const noexcept { return open_; }
  [[nodiscard]] std::size_t awaiting_disk() const noexcept { return awaiting_disk_.size(); }
  [[nodiscard]] const RuntimeCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] const Wiring& wiring() const noexcept { return wiring_; }
  [[nodiscard]] const std::vector<model::ConsumerRequest>& consumers() const noexcept { return consumers_; }

  // Any thread (the pump): records before `position` are on disk; their replies are released on the io
  // thread.
  void publish_durable(tap::RingPosition position);
  // From the exchange, on the io thread.
  void context_arrived(gear::Ticket ticket, const trace::Context& context, const FluxId& flux_id);

  // gear::Services
  [[nodiscard]] Result<gear::Ticket> begin(gear::Gear& ingress, gear::Arrival arrival,
                                           gear::Message request) override;
  void resume(gear::Ticket ticket, gear::Step step, gear::Message message) override;
  [[nodiscard]] gear::Transaction* find(gear::Ticket ticket) noexcept override { return lookup(ticket); }
  void abandon(gear::Ticket ticket) override;
  [[nodiscard]] std::vector<std::string> correlation_keys(const gear::Gear& egress,
                                                          std::string_view reply) override;
  [[nodiscard]] bool correlates(const gear::Gear& egress) const noexcept override;
  void stray(const gear::Gear& gear, const char* reason) noexcept override;
  void expect_contexts() override;
  void offer_context(gear::Transaction& transaction, std::string_view key) override;
  void adopt_context(gear::Transaction& transaction, std::string_view key) override;
  [[nodiscard]] std::string_view name_of(const gear::Gear& gear) const noexcept override;
  [[nodiscard]] std::string_view rack_name() const noexcept override { return parts_.rack; }
  [[nodiscard]] boost::asio::io_context& io() noexcept override { return parts_.io; }
  [[nodiscard]] tap::Names& names() noexcept override { return parts_.names; }
  [[nodiscard]] Diagnostics& diagnostics() noexcept override { return parts_.diagnostics; }
  [[nodiscard]] const Clock& clock() const noexcept override { return parts_.clock; }
  [[nodiscard]] Random& random() noexcept override { return parts_.random; }
  [[nodiscard]] snake::Bus* bus() noexcept override { return parts_.bus; }
  [[nodiscard]] const MachineId& machine_id() const noexcept override { return parts_.machine_id; }
  void announce_consumer(const gear::Gear& gear, std::string filter_subject) override;
  [[nodiscard]] wal::Disk* disk() noexcept override { return disk_; }
  [[nodiscard]] std::string data_directory() const override { return data_directory_; }
  [[nodiscard]] sanitize::MessageSeal* seal() noexcept override { return seal_.get(); }
  [[nodiscard]] std::unique_ptr<gear::Worker> employ(gear::Job& job, const char* name) override {
    return parts_.employ ? parts_.employ(job, name) : Services::employ(job, name);
  }

 private:
  friend class OpenTransaction;
  static constexpr std::uint32_t kNoSlot = UINT32_MAX;
  struct Timers;

  [[nodiscard]] OpenTransaction* lookup(gear::Ticket ticket) const noexcept;
  // runtime_begin.cpp: the life of a slot.
  [[nodiscard]] Result<void> admit() noexcept;
  [[nodiscard]] OpenTransaction& take_slot();
  void free_slot(OpenTransaction& transaction);
  [[nodiscard]] std::string_view search(std::string_view tracestate);  // valid until the next call
  void open_root(OpenTransaction& transaction, StationIndex ingress, const gear::Arrival& arrival);
  void open_branch(OpenTransaction& transaction, OpenTransaction& owner, StationIndex ingress,
                   const gear::Arrival& arrival);
  void watch_deadline(OpenTransaction& transaction);
  void forget_deadline(OpenTransaction& transaction);
  void arm_deadline();
  void deadline_due();
  void expire();
  // runtime_move.cpp: along the wires and back.
  void forward(OpenTransaction& transaction, gear::Step step);
  void enter(OpenTransaction& transaction, StationIndex station, tap::Ticks now);
  void leave(OpenTransaction& transaction, tap::Ticks now);
  void back(OpenTransaction& transaction, std::size_t from);
  void fail_back(OpenTransaction& transaction, std::size_t from, gear::Failure failure);
  void note_failure(OpenTransaction& transaction, std::size_t at, const gear::Failure& failure);
  // runtime_depart.cpp: the intent before the effect.
  enum class Departure : std::uint8_t { kGo, kRingFull, kAwaitDisk };
  [[nodiscard]] Departure prepare_departure(OpenTransaction& transaction);
  [[nodiscard]] bool may_depart(OpenTransaction& transaction);
  void depart(OpenTransaction& transaction);
  void refuse_departure(OpenTransaction& transaction);
  // runtime_end.cpp: the record, the disk, the reply.
  void end(OpenTransaction& transaction);
  void record(OpenTransaction& transaction);
  void recorded(OpenTransaction& transaction, tap::RingPosition position);
  void await_disk(OpenTransaction& transaction, tap::RingPosition position);
  void release(OpenTransaction& transaction);
  void release_durable();
  void park(OpenTransaction& transaction);
  [[nodiscard]] bool write_parked(OpenTransaction& transaction);
  void retry_parked();
  void park_due();
  void wait_for_context(OpenTransaction& transaction);
  void give_up_contexts();
  void context_due();

  Parts parts_;
  Wiring wiring_;
  std::unique_ptr<Timers> timers_;
  std::unique_ptr<ContextExchange> contexts_;
  RuntimeCounters counters_;
  tap::HeadSampler head_sampler_;
  std::vector<model::ConsumerRequest> consumers_;
  wal::Disk* disk_ = nullptr;
  std::string data_directory_;
  std::unique_ptr<sanitize::MessageSeal> seal_;
  std::string searched_;  // tracestate of the transaction that begins

  std::vector<std::unique_ptr<OpenTransaction>> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::uint32_t generation_ = 0;
  std::size_t open_ = 0;
  std::unordered_map<FluxId, gear::Ticket> by_flux_id_;  // only those that went out on the bus may be joined
  std::uint32_t oldest_deadline_ = kNoSlot;
  std::uint32_t newest_deadline_ = kNoSlot;

  std::deque<std::pair<tap::RingPosition, gear::Ticket>> awaiting_disk_;
  std::deque<gear::Ticket> parked_;
  std::deque<std::pair<std::int64_t, gear::Ticket>> awaiting_context_;  // deadline (monotonic ns)
  // Written by the pump thread, read by the io thread: the release store pairs with the acquire load in
  // release_durable.
  std::atomic<std::uint64_t> durable_{0};
  std::atomic<bool> release_posted_{false};
  LossWindow loss_window_;
  bool context_timer_armed_ = false;
  // Contexts that did not come in time, since the last that came: see kMissesUntilNoWait.
  std::uint32_t missed_in_a_row_ = 0;
  bool park_timer_armed_ = false;
  bool deadline_armed_ = false;
};

}  // namespace fluxrig::rack
