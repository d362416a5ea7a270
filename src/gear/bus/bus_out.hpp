// The gear `bus_out`: sends the request to another rack over the stream of P0 messages, and waits for its
// reply, or (BusPost) for nothing but its safety. docs/gears/bus_out.md. One thread (the io thread); the
// bus's callbacks only fill the mailbox.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "gear/bus/bus_post.hpp"
#include "gear/bus/mailbox.hpp"
#include "gear/gear.hpp"
#include "gear/net/alarm.hpp"
#include "gear/services.hpp"

namespace fluxrig::gear::bus {

struct BusOutOptions {
  std::string port = "out";
  bool reply = true;
  std::chrono::milliseconds reply_timeout{5000};
  std::size_t max_in_flight = 4096;
  std::uint64_t spool_bytes = 256U << 20;
  std::size_t spool_window = 64;
};

class BusOut final : public Gear {
 public:
  explicit BusOut(BusOutOptions options);
  ~BusOut() override;

  Outcome<void> start(Services& services) override;
  Step on_request(Transaction& transaction, Message& message) override;
  void drain() override;
  void stop() override;
  [[nodiscard]] std::uint64_t spooled() const noexcept override { return depth_ ? depth_->load() : 0; }

 private:
  struct Waiting {
    Ticket ticket;
    std::int64_t deadline = 0;  // of the services' monotonic clock
  };

  [[nodiscard]] Outcome<void> open_post();
  [[nodiscard]] Step ask(Transaction& transaction, std::uint64_t number, snake::Outgoing message);
  [[nodiscard]] snake::Outgoing outgoing(const Transaction& transaction, std::uint64_t number,
                                         sanitize::CleanBytes payload) const;
  void published(std::uint64_t number, const Result<snake::PublishReceipt>& receipt);
  void take_reply(const snake::Delivery& delivery);
  void finish(std::uint64_t number, Step step, Message message);
  [[nodiscard]] std::optional<std::uint64_t> number_of(std::string_view request) const noexcept;
  void expire();

  BusOutOptions options_;
  Services* services_ = nullptr;
  snake::Bus* bus_ = nullptr;
  std::string subject_;
  std::string reply_port_;
  std::string session_;         // random, 16 hex digits: numbers begin again when the rack starts again
  std::string request_prefix_;  // "<machine>:<session>:"
  tap::FieldId system_, destination_, operation_, size_;
  tap::NameId span_name_;

  // Every request waits equally long: the order of numbers is the order of deadlines.
  std::map<std::uint64_t, Waiting> waiting_;
  std::uint64_t last_number_ = 0;
  std::unique_ptr<net::Alarm> alarm_;
  std::unique_ptr<BusPost> post_;  // without reply; or for what an earlier run left in the spool
  // The post's: it may be read after the post is gone. Set before other threads run, never again.
  std::shared_ptr<const std::atomic<std::size_t>> depth_;
  std::shared_ptr<Mailbox> mailbox_;                   // shared with the bus's callbacks
  std::unique_ptr<snake::Subscription> subscription_;  // last: no delivery while the rest is torn down
};

}  // namespace fluxrig::gear::bus
