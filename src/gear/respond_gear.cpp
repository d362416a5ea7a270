// The gear `respond`: scripted answers, to simulate a host. docs/gears/respond.md.
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <map>
#include <memory>

#include "gear/catalogue.hpp"
#include "gear/gear.hpp"
#include "gear/respond_script.hpp"
#include "gear/services.hpp"
#include "gear/transaction.hpp"

namespace fluxrig::gear {

namespace {

class RespondGear final : public Gear {
 public:
  explicit RespondGear(const Settings& settings) : script_(settings) {}

  Outcome<void> start(Services& services) override {
    services_ = &services;
    span_name_ = services.names().name("respond");
    return {};
  }

  Step on_request(Transaction& transaction, Message& message) override {
    transaction.span_name(span_name_);
    auto answer = script_.answer(message, services_->random());
    if (answer.is_dropped) {
      // Ends here, and the caller hears nothing: as from a host that has lost the request.
      services_->abandon(transaction.ticket());
      return Step::fail(FailureCode::kTimeout, "the script drops this request");
    }
    const auto latency = script_.latency_ms(services_->random());
    if (latency > 0) {
      answer_later(transaction.ticket(), std::move(answer.message), latency);
      return Step::wait();
    }
    message = std::move(answer.message);
    return Step::reply();
  }

  void stop() override { waiting_.clear(); }

 private:
  struct Waiting {
    boost::asio::steady_timer timer;
    Ticket ticket;
    Message reply;
  };

  // At most as many as the runtime has transactions in flight.
  void answer_later(Ticket ticket, Message reply, std::int64_t latency_ms) {
    const auto number = ++last_number_;
    auto& waiting =
        waiting_
            .emplace(number, Waiting{boost::asio::steady_timer(services_->io()), ticket, std::move(reply)})
            .first->second;
    waiting.timer.expires_after(std::chrono::milliseconds(latency_ms));
    waiting.timer.async_wait([this, number](const boost::system::error_code& error) {
      if (error) return;  // stopped: `this` may be gone
      auto done = waiting_.extract(number);
      if (done.empty()) return;
      services_->resume(done.mapped().ticket, Step::reply(), std::move(done.mapped().reply));
    });
  }

  RespondScript script_;
  Services* services_ = nullptr;
  tap::NameId span_name_;
  std::map<std::uint64_t, Waiting> waiting_;
  std::uint64_t last_number_ = 0;
};

}  // namespace

GearType respond_type() {
  return {
      .name = "respond",
      .summary = "answers by a script, to simulate a host",
      .role = Role::kEgress,
      .answers_itself = true,
      .options = RespondScript::options(),
      .check = RespondScript::check,
      .make = [](const Settings& settings) -> std::unique_ptr<Gear> {
        return std::make_unique<RespondGear>(settings);
      },
  };
}

}  // namespace fluxrig::gear
