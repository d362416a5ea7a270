// bus_out without a reply: a message is accepted once the stream has it or, while the bus is away, once the
// spool has it on disk. What was accepted before another message arrived is stored before it: as long as
// anything waits in the spool, everything goes through the spool. Owned by its BusOut; one thread (the io
// thread).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>

#include "gear/bus/mailbox.hpp"
#include "gear/bus/outbox.hpp"
#include "gear/gear.hpp"
#include "gear/net/alarm.hpp"
#include "gear/services.hpp"

namespace fluxrig::gear::bus {

class BusPost {
 public:
  struct Parts {
    Services& services;
    snake::Bus& bus;
    std::shared_ptr<Mailbox> mailbox;
    std::unique_ptr<Outbox> outbox;
    std::chrono::milliseconds patience;  // for the stream's acknowledgement; then the spool
  };
  explicit BusPost(Parts parts);
  ~BusPost();

  // Answers by Services::resume, later, or fails at once. The message has an id.
  [[nodiscard]] Step send(Ticket ticket, snake::Outgoing message);
  [[nodiscard]] std::size_t open() const noexcept { return live_.size() + spooling_.size(); }
  [[nodiscard]] std::size_t spooled() const noexcept { return parts_.outbox->waiting(); }
  [[nodiscard]] std::shared_ptr<const std::atomic<std::size_t>> depth() const {
    return parts_.outbox->depth();
  }
  // The spool's messages stay where they are from now on.
  void drain();

 private:
  struct Waiting {
    Ticket ticket;
    std::int64_t deadline = 0;  // of the services' monotonic clock
    snake::Outgoing message;
  };
  using Live = std::map<std::uint64_t, Waiting>;

  void published(std::uint64_t number, const Result<snake::PublishReceipt>& receipt);
  void spool(std::uint64_t number, Ticket ticket, const snake::Outgoing& message);
  void spool(Live::iterator waiting);
  void kept(std::uint64_t number, const Result<void>& result);
  void expire();

  Parts parts_;
  std::uint64_t last_number_ = 0;
  Live live_;  // every message waits equally long: the order of numbers is the order of deadlines
  std::map<std::uint64_t, Ticket> spooling_;
  net::Alarm alarm_;
};

}  // namespace fluxrig::gear::bus
