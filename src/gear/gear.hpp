// The interface that a gear implements, and nothing else: what a newcomer reads to write one (examples/).
//
// A request enters at an ingress gear and passes along the wires: the runtime calls `on_request` of each gear
// in turn until one answers (`Step::reply()`), waits for somebody else (`Step::wait()`, later
// Services::resume), or fails. The reply then passes the same gears in reverse order, `on_reply`. A failure
// also travels back, `on_failure`, from the gear that failed on, until one turns it into a reply in its
// protocol's own words; the ingress gear is the last to be asked. The runtime times, counts and traces every
// call: a gear writes no telemetry, at most attributes.
//
// Threads: every method runs on the rack's io thread; none may block. Bytes from outside are hostile: a gear
// answers bad input with Step::fail(FailureCode::kMalformed, ...), never with an exception. Reasons are
// string literals: they are stored and must hold no payload bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "gear/message.hpp"

namespace fluxrig::gear {

class Services;
class Transaction;

enum class FailureCode : std::uint8_t {
  kMalformed,    // the message breaks its format                HTTP 400, ISO 8583 30
  kRejected,     // understood, and not accepted by a rule        HTTP 422, ISO 8583 12
  kNotFound,     // no such route                                 HTTP 404, ISO 8583 92
  kOversize,     // over a limit                                  HTTP 413, ISO 8583 30
  kUnavailable,  // the next hop is away; not sent                HTTP 503, ISO 8583 91
  kTimeout,      // sent, and nothing answered in time            HTTP 504, ISO 8583 68
  kRefused,      // pressure, drain: try later                    HTTP 503 + Retry-After, ISO 8583 96
  kInternal,     // our fault                                     HTTP 500, ISO 8583 96
};

struct Failure {
  FailureCode code = FailureCode::kInternal;
  const char* reason = "";  // a string literal
};

// What a gear wants to happen next.
struct Step {
  enum class Kind : std::uint8_t { kNext, kWait, kReply, kFail };
  Kind kind = Kind::kNext;
  std::uint16_t port = 0;  // kNext in on_request: which of the gear's output ports (GearType::ports)
  Failure failure;

  [[nodiscard]] static Step next(std::uint16_t port = 0) noexcept { return {Kind::kNext, port, {}}; }
  [[nodiscard]] static Step wait() noexcept { return {Kind::kWait, 0, {}}; }
  [[nodiscard]] static Step reply() noexcept { return {Kind::kReply, 0, {}}; }
  [[nodiscard]] static Step fail(FailureCode code, const char* reason) noexcept {
    return {Kind::kFail, 0, {code, reason}};
  }
  [[nodiscard]] static Step fail(Failure failure) noexcept { return {Kind::kFail, 0, failure}; }
};

class Gear {
 public:
  Gear() = default;
  Gear(const Gear&) = delete;
  Gear& operator=(const Gear&) = delete;
  virtual ~Gear() = default;

  // Once, before the first message, with the loop not yet running: bind ports, start connecting, intern
  // names. The sentence of a failure names the address and the next step; it stops the rack's start (exit 1).
  [[nodiscard]] virtual Outcome<void> start(Services&) { return {}; }

  [[nodiscard]] virtual Step on_request(Transaction& transaction, Message& message) = 0;
  // next(): pass on. fail(): what came back is not usable (it travels back as a failure from here).
  [[nodiscard]] virtual Step on_reply(Transaction&, Message&) { return Step::next(); }
  // reply(): `reply` now holds an answer in this gear's protocol. fail(failure): pass it on.
  [[nodiscard]] virtual Step on_failure(Transaction&, const Failure& failure, Message& /*reply*/) {
    return Step::fail(failure);
  }

  // Ingress only. The transaction's record is safe (as `durability` says): write the reply that on_reply or
  // on_failure rendered. The transaction ends when this returns.
  virtual void send_reply(Transaction&, Message&) {}

  // Codecs only: the keys by which a reply's bytes find their request, most specific first; empty when the
  // bytes hold none (not a reply, or malformed). Compared with Transaction::correlation.
  [[nodiscard]] virtual std::vector<std::string> correlation_keys(std::string_view /*reply_bytes*/) {
    return {};
  }
  // True when this gear sets Transaction::correlation and answers correlation_keys.
  [[nodiscard]] virtual bool correlates() const noexcept { return false; }

  // Messages that were accepted and wait on this rack's disk until the bus has them. Any thread, from the
  // start to the gear's destruction.
  [[nodiscard]] virtual std::uint64_t spooled() const noexcept { return 0; }

  // No new work: close listeners; what is in flight goes on.
  virtual void drain() {}
  // Close everything; no callback of this gear may run afterwards.
  virtual void stop() {}
};

}  // namespace fluxrig::gear
