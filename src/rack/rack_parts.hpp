// Everything a running rack owns, in the order of construction; destruction is the reverse. Only rack*.cpp
// include this.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <thread>

#include "lane/telemetry_backlog.hpp"
#include "lane/telemetry_queue.hpp"
#include "rack/break_glass.hpp"
#include "rack/command_desk.hpp"
#include "rack/export_tap.hpp"
#include "rack/identity.hpp"
#include "rack/link_thread.hpp"
#include "rack/metric_page.hpp"
#include "rack/monitor.hpp"
#include "rack/pump_thread.hpp"
#include "rack/rack.hpp"
#include "rack/rack_export.hpp"
#include "rack/runtime.hpp"
#include "rack/timed_bus.hpp"
#include "snake/nats_bus.hpp"
#include "wal/posix_disk.hpp"

namespace fluxrig::rack {

class Rack {
 public:
  Rack(RackFiles files, const std::vector<gear::GearType>& catalogue, Scenario scenario);
  ~Rack();

  [[nodiscard]] Outcome<void> start();
  // Until a signal; returns when everything has stopped.
  void run();

 private:
  static constexpr auto kDrainPatience = std::chrono::seconds(10);  // for transactions in flight
  static constexpr auto kShipPatience = std::chrono::seconds(5);    // for the mixer's receipts

  static constexpr std::int64_t kAcknowledgementPatience = kNanosPerSecond;  // for the stream's
  // The mixer has been greeted and what the last run left is on its way by then.
  static constexpr auto kTrimAfter = std::chrono::seconds(15);

  [[nodiscard]] Outcome<void> open_audit();
  [[nodiscard]] Outcome<void> connect_bus();
  [[nodiscard]] Wiring make_wiring();
  [[nodiscard]] Outcome<void> start_export();
  [[nodiscard]] Outcome<void> start_monitor();
  [[nodiscard]] std::string why_not_ready() const;
  void make_pump();
  void open_backlog();
  void make_link();
  void await_signal();
  void reload();
  [[nodiscard]] std::unique_ptr<BreakGlass> make_break_glass();
  void watch_glass();
  void shut_down();
  void check_drained();
  void emit_metrics(tap::Pump& pump);
  void event(std::string name, const std::string& body, std::vector<model::Attribute> attributes = {});
  void on_transition(const pressure::Transition& transition);
  void emit_link_metrics(tap::Pump& pump) const;
  void emit_export_metrics(tap::Pump& pump) const;
  [[nodiscard]] bool state_ledger(lane::TelemetryLedger::Occasion occasion);
  [[nodiscard]] std::string status_json() const;
  [[nodiscard]] wal::ChainSigner::Facts chain_facts() const;
  void wait_for(Epoch epoch);

  RackFiles files_;
  const std::vector<gear::GearType>& catalogue_;
  Scenario scenario_;
  SystemClock clock_;
  SeededRandom random_ = SeededRandom::from_system();       // the io thread's
  SeededRandom link_random_ = SeededRandom::from_system();  // the link's
  Diagnostics diagnostics_;
  boost::asio::io_context io_{1};
  boost::asio::signal_set signals_{io_};
  boost::asio::steady_timer drain_timer_{io_};
  boost::asio::steady_timer glass_timer_{io_};
  boost::asio::steady_timer trim_timer_{io_};
  MonotonicNanos drain_until_;

  Identity identity_;
  std::unique_ptr<tap::Names> names_ = std::make_unique<tap::Names>();
  tap::TickSource tick_source_;
  tap::TickConverter ticks_{tick_source_, clock_};
  tap::Ring ring_{scenario_.memory.ring_bytes};
  tap::EventQueue events_;
  std::unique_ptr<sanitize::Sanitizer> sanitizer_;
  lane::DropCounters drops_;
  lane::TelemetryLedger ledger_;
  lane::TelemetryQueue telemetry_;
  Admission admission_;
  Doorbell pump_bell_;
  Doorbell link_bell_;
  UnixNanos started_;

  wal::PosixDisk disk_;
  wal::Receipts stored_receipts_;
  std::unique_ptr<AuditLane> audit_;
  std::unique_ptr<RackExport> export_;               // null: nothing goes out but over the bus
  std::unique_ptr<ExportTap> export_tap_;            // the pump's
  std::unique_ptr<lane::TelemetryBacklog> backlog_;  // the link's
  std::unique_ptr<MetricPage> metric_page_;          // null: nobody may pull
  std::unique_ptr<tap::Pump> pump_;
  std::atomic<bool> connection_changed_{false};  // written by the bus, read by the link: see Link::Parts
  std::unique_ptr<snake::NatsBus> bus_;
  std::shared_ptr<DelayLog> business_ = std::make_shared<DelayLog>();  // shared with the bus's callbacks
  std::unique_ptr<TimedBus> gears_bus_;                                // bus_ as the gears see it
  std::unique_ptr<Runtime> runtime_;
  std::unique_ptr<Link> link_;
  std::unique_ptr<BreakGlass> glass_;
  std::unique_ptr<CommandDesk> command_desk_;
  std::unique_ptr<PumpThread> pump_thread_;
  std::unique_ptr<LinkThread> link_thread_;
  std::unique_ptr<Monitor> monitor_;  // null: no listener of the rack's own
  std::thread trimmer_;               // runs once, for a moment
};

}  // namespace fluxrig::rack
