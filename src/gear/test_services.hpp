// Services for the tests of gears: runs chains of real gears over a real io_context, without telemetry, disk
// or bus. Linked by tests only (library fr_gear_testing). One thread: the one that calls run_until.
//
//   TestServices services;
//   services.add(server, "in");
//   services.add(client, "out");
//   services.wire(server, client);
//   ASSERT_TRUE(services.start());
//   ASSERT_TRUE(services.run_until([&] { return services.ended().size() == 1; }));
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gear/gear.hpp"
#include "gear/services.hpp"
#include "gear/transaction.hpp"

namespace fluxrig::gear {

// What is left of a transaction that has ended.
struct EndedTransaction {
  model::TransactionOutcome outcome = model::TransactionOutcome::kAnswered;
  Failure failure;  // reason "" when answered
  FluxId flux_id;
  std::optional<trace::Context> parent;
  std::string name;  // of the root span
  std::string baggage;
  std::map<std::string, std::string> attributes;       // integers as decimal text
  std::map<std::string, std::string> span_attributes;  // of all gears
  std::string span_name;                               // the last that a gear gave
  std::map<std::string, FluxId> links;                 // by relation
  std::string span_error;
  std::uint64_t bytes = 0;  // Arrival::bytes
};

class TestServices final : public Services {
 public:
  TestServices();
  ~TestServices() override;  // stops every gear that was added and not stopped

  // The gears stay the test's; they must outlive this.
  void add(Gear& gear, std::string name);
  void wire(Gear& from, Gear& to, std::uint16_t port = 0);
  // Starts every gear in the order of `add`, last first, as egress gears should be up before ingress.
  [[nodiscard]] Outcome<void> start();
  void stop();

  // Runs the loop until `done` or the deadline; false at the deadline.
  [[nodiscard]] bool run_until(const std::function<bool()>& done,
                               std::chrono::milliseconds deadline = std::chrono::seconds(10));
  // Runs what is ready, and returns.
  void poll();

  // Later begin() calls fail with this; nullopt: accepted again.
  void refuse(std::optional<ErrorCode> code) noexcept { refusal_ = code; }
  // Replies wait for `release_replies`, as they wait for the disk in a rack.
  void hold_replies() noexcept { holding_ = true; }
  void release_replies();

  [[nodiscard]] const std::vector<EndedTransaction>& ended() const noexcept { return ended_; }
  [[nodiscard]] std::size_t open() const noexcept;
  [[nodiscard]] std::size_t strays(std::string_view reason) const;
  [[nodiscard]] std::size_t late_resumes() const noexcept { return late_resumes_; }
  [[nodiscard]] const std::vector<std::string>& consumers() const noexcept { return consumers_; }
  void set_bus(snake::Bus* bus) noexcept { bus_ = bus; }

  Result<Ticket> begin(Gear& ingress, Arrival arrival, Message request) override;
  void resume(Ticket ticket, Step step, Message message) override;
  Transaction* find(Ticket ticket) noexcept override;
  void abandon(Ticket ticket) override;
  std::vector<std::string> correlation_keys(const Gear& egress, std::string_view reply_bytes) override;
  bool correlates(const Gear& egress) const noexcept override;
  void stray(const Gear& gear, const char* reason) noexcept override;
  std::string_view name_of(const Gear& gear) const noexcept override;
  std::string_view rack_name() const noexcept override { return "test"; }
  boost::asio::io_context& io() noexcept override;
  tap::Names& names() noexcept override;
  Diagnostics& diagnostics() noexcept override;
  const Clock& clock() const noexcept override;
  Random& random() noexcept override;
  snake::Bus* bus() noexcept override { return bus_; }
  const MachineId& machine_id() const noexcept override;
  void announce_consumer(const Gear& gear, std::string filter_subject) override;
  wal::Disk* disk() noexcept override { return disk_; }
  std::string data_directory() const override { return "data"; }
  // Null until set; outlives this.
  void set_disk(wal::Disk* disk) noexcept { disk_ = disk; }
  // Random otherwise.
  void set_machine_id(const MachineId& machine) noexcept;

 private:
  class Open;
  struct World;
  struct Wire {
    Gear* from;
    std::uint16_t port;
    Gear* to;
  };

  void forward(Open& open, Step step);
  void back(Open& open, std::size_t from);
  void fail_back(Open& open, std::size_t from, Failure failure);
  void answer(Open& open);
  void end(Open& open, model::TransactionOutcome outcome, Failure failure);
  [[nodiscard]] Gear* next_of(const Gear& from, std::uint16_t port) const noexcept;
  [[nodiscard]] std::vector<Gear*> way_to(const Gear& egress) const;

  std::unique_ptr<World> world_;
  std::vector<std::pair<Gear*, std::string>> gears_;
  std::vector<Wire> wires_;
  std::vector<std::unique_ptr<Open>> open_;  // by slot; empty where free
  std::uint32_t generation_ = 0;
  std::vector<EndedTransaction> ended_;
  std::vector<Ticket> held_;
  std::map<std::string, std::size_t, std::less<>> strays_;
  std::vector<std::string> consumers_;
  std::optional<ErrorCode> refusal_;
  snake::Bus* bus_ = nullptr;
  wal::Disk* disk_ = nullptr;
  std::size_t late_resumes_ = 0;
  bool holding_ = false;
  bool running_ = false;
};

}  // namespace fluxrig::gear
