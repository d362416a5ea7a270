// P0: what was accepted from callers, what came into the stream and in which order, what the consuming gears
// did with it, and what became a dead letter. A message is named by the execution that sent it. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "sim/oracle.hpp"

namespace fluxrig::sim {

class MessageLedger {
 public:
  explicit MessageLedger(Oracle& oracle) : oracle_(oracle) {}

  // The sender. A flow keeps its order: what was accepted before another message arrived is stored before it.
  void arrived(Execution message, std::size_t flow);
  void accepted(Execution message);                // its caller was told so
  void acknowledged_to_sender(Execution message);  // the stream told the sender that it has it
  void damaged(Execution message);                 // where it waits in the spool
  // The server.
  void stored(Execution message);  // not as a duplicate
  void lost_by_server(Execution message);
  // The consumer: a gear begins to work on it, has done it, or fails for good.
  void taken(Execution message, const Oracle::Process& consumer);
  void done(Execution message, const Oracle::Process& consumer);
  void failed(Execution message);
  // The server again: the consumer has acknowledged it; or it is a dead letter.
  void acknowledged(Execution message);
  void dead(Execution message, bool terminated);

  // Accepted, and neither done nor a dead letter nor lost by the server after it had acknowledged it.
  [[nodiscard]] std::size_t outstanding() const noexcept { return outstanding_.size(); }
  [[nodiscard]] std::string state() const;  // the same in words
  // Accepted, damaged in the spool, and not in the stream: this must be named.
  [[nodiscard]] bool missing(Execution message) const;
  void check_end();
  [[nodiscard]] std::uint64_t accepted_count() const noexcept { return accepted_; }
  [[nodiscard]] std::uint64_t dead_letters() const noexcept { return dead_letters_; }

 private:
  struct Message {
    std::size_t flow = 0;
    std::uint64_t arrived = 0;   // in the count of all that happens
    std::uint64_t accepted = 0;  // 0: not
    bool was_stored = false;
    bool acknowledged_to_sender = false;
    bool lost = false;  // by the server
    bool damaged = false;
    bool failed = false;
    bool ended = false;  // acknowledged by a consumer, or a dead letter
    std::set<Oracle::Process> done_by;
    // The stream never had it, or has lost it before its sender heard that it was there.
    [[nodiscard]] bool only_copy_damaged() const noexcept {
      return damaged && (!was_stored || (lost && !acknowledged_to_sender));
    }
  };
  [[nodiscard]] Message& known(Execution message);
  void look(Execution number, const Message& message);
  void forget_in_flow(const Message& message);

  Oracle& oracle_;
  std::uint64_t events_ = 0;
  std::map<Execution, Message> messages_;
  // By flow: accepted and never yet in the stream, by when it was accepted.
  std::map<std::size_t, std::map<std::uint64_t, Execution>> on_its_way_;
  std::set<Execution> outstanding_;
  std::uint64_t accepted_ = 0;
  std::uint64_t dead_letters_ = 0;
};

}  // namespace fluxrig::sim
