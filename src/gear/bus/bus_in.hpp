// The gear `bus_in`: takes the messages of another rack's bus_out from the stream, and sends the replies
// back. A message is acknowledged after its transaction has ended and its reply is in the stream; until then
// it is delivered again, to this process or the next one. docs/gears/bus_in.md. One thread (the io thread);
// the bus's callbacks only fill the mailbox.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "gear/bus/bus_headers.hpp"
#include "gear/bus/mailbox.hpp"
#include "gear/bus/request_ledger.hpp"
#include "gear/gear.hpp"
#include "gear/net/alarm.hpp"
#include "gear/services.hpp"

namespace fluxrig::gear::bus {

struct BusInSource {
  std::string rack, gear, port;
};
// "<rack>.<gear>" (its port "out") or "<rack>.<gear>.<port>"; nullopt for anything else.
[[nodiscard]] std::optional<BusInSource> parse_source(std::string_view text);

struct BusInOptions {
  std::string from;
  std::size_t max_in_flight = 256;
  // Less than half of the stream's patience with an unacknowledged delivery. For tests.
  std::chrono::milliseconds progress_every{4000};
};

// How long a message stays away that could not be processed now: the stream gives up after five deliveries.
[[nodiscard]] std::chrono::milliseconds redelivery_delay(std::uint64_t deliveries) noexcept;

class BusIn final : public Gear {
 public:
  static constexpr std::size_t kMaxBacklog = 2048;  // over the stream's limit of unacknowledged deliveries
  static constexpr std::size_t kMaxBacklogBytes = 64 << 20;
  static constexpr int kPublishAttempts = 5;

  explicit BusIn(BusInOptions options);
  ~BusIn() override;

  Outcome<void> start(Services& services) override;
  Step on_request(Transaction& transaction, Message& message) override;
  Step on_failure(Transaction& transaction, const Failure& failure, Message& reply) override;
  void send_reply(Transaction& transaction, Message& reply) override;
  void drain() override;
  void stop() override;

 private:
  // One message on its way through the rack; found by its cookie.
  struct Request {
    std::string id;           // flux-request; empty: not known, and then not told from its redelivery
    std::string acknowledge;  // where its latest delivery is acknowledged
    std::string reply_port;   // empty: no reply is expected
    std::uint64_t bytes = 0;
    std::uint64_t deliveries = 1;
    const char* malformed = nullptr;
    bool running = false;  // not in the backlog
    std::optional<Ticket> ticket;
    std::optional<Failure> failure;
    std::optional<snake::Outgoing> answer;  // once it has one, until the stream has it
    int attempts = 0;
    std::int64_t told_at = 0;  // when the stream last heard of it: delivery or progress
  };
  using Requests = std::unordered_map<std::uint64_t, Request>;

  // bus_in.cpp: the way in.
  void take(snake::Delivery delivery);
  [[nodiscard]] bool for_another(const snake::Delivery& delivery);
  [[nodiscard]] bool known(const snake::Delivery& delivery, const std::string& id);
  void run(std::uint64_t cookie, const snake::Delivery& delivery, ReceivedHeaders headers);
  void refuse_malformed(const snake::Delivery& delivery, ReceivedHeaders headers, const char* reason);
  void hold(std::uint64_t cookie, snake::Delivery delivery);
  void run_backlog();
  void drop_abandoned();
  // bus_in_reply.cpp: the way out.
  void publish(std::uint64_t cookie);
  void published(std::uint64_t cookie, const Result<snake::PublishReceipt>& receipt);
  void settle_without_reply(Requests::iterator request);
  void settle_abandoned(Requests::iterator request);
  void forget(Requests::iterator request);
  void finish(Requests::iterator request);
  void set_alarm();
  void retry();
  void tell_progress();

  BusInOptions options_;
  Services* services_ = nullptr;
  snake::Bus* bus_ = nullptr;
  std::string filter_;
  std::string consumer_;  // this gear's, as in flux-for
  std::string reply_id_prefix_;
  tap::FieldId system_, destination_, operation_, size_;
  tap::NameId span_name_;

  Requests requests_;
  std::unordered_map<std::string, std::uint64_t> open_;  // flux-request to cookie
  std::uint64_t last_cookie_ = 0;
  RequestLedger ledger_;
  std::deque<std::pair<std::uint64_t, snake::Delivery>> backlog_;  // by cookie; each has its Request
  std::size_t backlog_bytes_ = 0;
  std::size_t running_ = 0;  // requests that are not in the backlog
  bool running_backlog_ = false;
  std::multimap<std::int64_t, std::uint64_t> retries_;  // when, and which
  std::unique_ptr<net::Alarm> alarm_;
  std::unique_ptr<net::Alarm> progress_;
  std::shared_ptr<Mailbox> mailbox_;                   // shared with the bus's callbacks
  std::unique_ptr<snake::Subscription> subscription_;  // last: no delivery while the rest is torn down
};

}  // namespace fluxrig::gear::bus
