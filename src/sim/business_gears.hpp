// The gears at the ends of a simulated rack: who asks it (Shop), and whom it asks (Partner): a bank, or the
// host behind bus_in. They tell the ledgers outside what they see. Between them are the product's own. One
// thread.
#pragma once

#include <functional>
#include <map>

#include "gear/gear.hpp"
#include "gear/services.hpp"
#include "sim/world.hpp"

namespace fluxrig::sim {

// Of one process of a rack.
struct Business {
  World& world;
  Oracle::Process process;
  std::function<bool()> alive;   // false: it died within this event, and nobody hears of what it still does
  std::function<void()> worked;  // after what a gear did by itself
};

// Makes each transaction an execution of its own, that its records name.
class Tagger {
 public:
  void start(gear::Services& services);
  [[nodiscard]] Execution tag(const Business& business, gear::Transaction& transaction,
                              gear::Message& message);

 private:
  tap::FieldId execution_;
  tap::FieldId note_;
};

class Shop final : public gear::Gear {
 public:
  enum Port : std::uint16_t { kBank, kPost };
  explicit Shop(Business business) : business_(std::move(business)) {}

  // One customer. Refused: nobody is answered.
  void sell(Port port);

  Outcome<void> start(gear::Services& services) override;
  gear::Step on_request(gear::Transaction& transaction, gear::Message& message) override;
  gear::Step on_failure(gear::Transaction& transaction, const gear::Failure& failure,
                        gear::Message& reply) override;
  void send_reply(gear::Transaction& transaction, gear::Message& reply) override;

 private:
  struct Sale {
    Port port = kBank;
    Execution execution = 0;
    bool failed = false;
  };
  Business business_;
  gear::Services* services_ = nullptr;
  Tagger tagger_;
  std::map<std::uint64_t, Sale> sales_;  // by cookie
  std::uint64_t last_ = 0;
};

// Between bus_in and its host.
class Tag final : public gear::Gear {
 public:
  explicit Tag(Business business) : business_(std::move(business)) {}
  Outcome<void> start(gear::Services& services) override {
    tagger_.start(services);
    return {};
  }
  gear::Step on_request(gear::Transaction& transaction, gear::Message& message) override;

 private:
  Business business_;
  Tagger tagger_;
};

class Partner final : public gear::Gear {
 public:
  enum class Kind : std::uint8_t { kBank, kHost };
  Partner(Business business, Kind kind) : business_(std::move(business)), kind_(kind) {}

  Outcome<void> start(gear::Services& services) override {
    services_ = &services;
    return {};
  }
  gear::Step on_request(gear::Transaction& transaction, gear::Message& message) override;

 private:
  [[nodiscard]] gear::Step answer_later(gear::Ticket ticket, Execution message);
  void done(Execution message);

  Business business_;
  Kind kind_;
  gear::Services* services_ = nullptr;
  std::shared_ptr<bool> there_ = std::make_shared<bool>(true);  // later answers outlive the process
};

}  // namespace fluxrig::sim
