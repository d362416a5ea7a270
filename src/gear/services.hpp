// What the runtime offers to gears. One thread (the io thread), except where said. Implemented by
// rack::Runtime, and by gear::TestServices in tests.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "base/ids.hpp"
#include "base/random.hpp"
#include "gear/gear.hpp"
#include "gear/worker.hpp"
#include "model/records.hpp"
#include "snake/bus.hpp"
#include "tap/names.hpp"
#include "trace/context.hpp"

namespace boost::asio {
class io_context;
}

namespace fluxrig::wal {
class Disk;
}
namespace fluxrig::sanitize {
class MessageSeal;
}

namespace fluxrig::gear {

// Names a transaction that waits. Stays valid as a value for ever; once the transaction has ended (answered,
// timed out) it resolves to nothing, and a late resume is ignored and counted.
struct Ticket {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  friend bool operator==(Ticket, Ticket) = default;
};

// What an ingress gear knows of a request when it arrives.
struct Arrival {
  std::optional<trace::Context> parent;  // from the caller's headers
  std::optional<FluxId> flux_id;         // continued (bus); new otherwise
  tap::NameId name;                      // span name, low cardinality
  model::SpanKind kind = model::SpanKind::kServer;
  std::uint64_t bytes = 0;   // size of the request on the wire
  std::uint64_t cookie = 0;  // the gear's own: which connection, which delivery
  std::string baggage;       // W3C Baggage as received; propagated within bounds, never recorded
};

class Services {
 public:
  virtual ~Services() = default;

  // Starts a transaction at `ingress` and runs it along the wires; on return it may already have been
  // answered. kRefused (draining, pressure) and kFull (too many in flight): nothing was started, the refusal
  // has been recorded; the gear answers in its protocol's words. An arrival with the flux_id of a transaction
  // that is still open in this rack (it came back over the bus) becomes a branch of it: its spans and
  // attributes are recorded there, so that a rack has one transaction record for each flux_id.
  [[nodiscard]] virtual Result<Ticket> begin(Gear& ingress, Arrival arrival, Message request) = 0;
  // Continues what Step::wait() left: `step` is next (request goes on), reply (message is the reply) or fail.
  virtual void resume(Ticket ticket, Step step, Message message) = 0;
  // Null when it has ended.
  [[nodiscard]] virtual Transaction* find(Ticket ticket) noexcept = 0;
  // The caller's connection went away: the transaction ends as abandoned when its reply comes; send_reply is
  // not called.
  virtual void abandon(Ticket ticket) = 0;

  // Asks the codecs on the way to `egress`, nearest first; empty when none correlates or the bytes hold no
  // key.
  [[nodiscard]] virtual std::vector<std::string> correlation_keys(const Gear& egress,
                                                                  std::string_view reply_bytes) = 0;
  // Whether any gear on the way to `egress` correlates. False: replies come in the order of requests.
  [[nodiscard]] virtual bool correlates(const Gear& egress) const noexcept = 0;
  // Protocols without headers carry no trace context: racks hand it over beside them, on the bus, under the
  // protocol's own keys. `offer_context` publishes the transaction's context as the calling (codec) gear's
  // child; `adopt_context` makes the transaction part of the trace and flux_id that was offered under `key`,
  // when it arrives before the transaction's end (waited for a little while then). Best effort; nothing waits
  // on the way. No-ops without a bus.
  // A codec that will adopt says so at its start.
  virtual void expect_contexts() {}
  virtual void offer_context(Transaction& /*transaction*/, std::string_view /*key*/) {}
  virtual void adopt_context(Transaction& /*transaction*/, std::string_view /*key*/) {}

  // A message from the peer that belongs to no waiting transaction: counted under the gear by its fixed
  // reason.
  virtual void stray(const Gear& gear, const char* reason) noexcept = 0;

  // The gear's name in the scenario, and the rack's.
  [[nodiscard]] virtual std::string_view name_of(const Gear& gear) const noexcept = 0;
  [[nodiscard]] virtual std::string_view rack_name() const noexcept = 0;

  [[nodiscard]] virtual boost::asio::io_context& io() noexcept = 0;
  [[nodiscard]] virtual tap::Names& names() noexcept = 0;
  [[nodiscard]] virtual Diagnostics& diagnostics() noexcept = 0;
  [[nodiscard]] virtual const Clock& clock() const noexcept = 0;
  [[nodiscard]] virtual Random& random() noexcept = 0;
  // Null when the scenario has no mixer.
  [[nodiscard]] virtual snake::Bus* bus() noexcept = 0;
  [[nodiscard]] virtual const MachineId& machine_id() const noexcept = 0;
  // The bus_out / bus_in gears announce at start what the mixer must deliver to them (durable consumer
  // filter).
  virtual void announce_consumer(const Gear& gear, std::string filter_subject) = 0;
  // Where a gear may keep what must outlive the process: the rack's data directory on this disk, which gears
  // may use from threads of their own. Null and empty: nothing can be kept.
  [[nodiscard]] virtual wal::Disk* disk() noexcept { return nullptr; }
  [[nodiscard]] virtual std::string data_directory() const { return {}; }
  // What seals messages for the bus; null: there is no key, and they travel in clear (tests).
  [[nodiscard]] virtual sanitize::MessageSeal* seal() noexcept { return nullptr; }
  // A worker for what must not run on the io thread; `job` outlives it.
  [[nodiscard]] virtual std::unique_ptr<Worker> employ(Job& job, const char* name) {
    return employ_thread(job, name);
  }
};

}  // namespace fluxrig::gear
