// Two racks in one for the tests of bus_out and bus_in: entry -> out ~ bus ~ in -> host. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gear/bus/bus_headers.hpp"
#include "gear/bus/bus_in.hpp"
#include "gear/bus/bus_out.hpp"
#include "gear/bus/flux_message.hpp"
#include "gear/bus/test_bus.hpp"
#include "gear/test_services.hpp"
#include "gear/transaction.hpp"
#include "wal/memory_disk.hpp"

namespace fluxrig::gear::bus {

class Entry final : public Gear {
 public:
  std::optional<Message> reply;
  Failure failure;
  Step on_request(Transaction&, Message&) override { return Step::next(); }
  Step on_failure(Transaction&, const Failure& failed, Message&) override {
    failure = failed;
    return Step::reply();
  }
  void send_reply(Transaction&, Message& message) override { reply = message; }
};

class Host final : public Gear {
 public:
  int requests = 0;
  std::optional<Step> step;  // instead of an answer
  Ticket last;
  std::string seen_baggage;
  Step on_request(Transaction& transaction, Message& message) override {
    ++requests;
    last = transaction.ticket();
    seen_baggage = transaction.baggage();
    message.fields.set("39", "00");
    return step.value_or(Step::reply());
  }
};

class BusGears : public testing::Test {
 protected:
  BusOutOptions out_options;
  BusInOptions in_options{.from = "test.out"};
  TestBus bus;
  wal::MemoryDisk disk;
  Entry entry;
  Host host;
  std::unique_ptr<BusOut> out;
  std::unique_ptr<BusIn> in;
  TestServices services;

  void TearDown() override { services.stop(); }

  void start() {
    out = std::make_unique<BusOut>(out_options);
    in = std::make_unique<BusIn>(in_options);
    services.set_bus(&bus);
    services.set_disk(&disk);
    services.add(entry, "entry");
    services.add(*out, "out");
    services.add(*in, "in");
    services.add(host, "host");
    services.wire(entry, *out);
    services.wire(*in, host);
    bus.consumer("flux.msg.test.out.out", deliver("in"));
    bus.consumer("flux.msg.*.*.reply-test-out", deliver("out"));
    ASSERT_TRUE(services.start());
  }
  [[nodiscard]] std::string deliver(std::string_view gear) const {
    return snake::deliver_subject(services.machine_id(), gear);
  }
  void send(Arrival arrival = {}) {
    Message message;
    message.payload.assign("\x00\x01", 2);
    message.fields.append("2", "4242");
    message.meta.append("url.path", "/pay");
    EXPECT_TRUE(services.begin(entry, std::move(arrival), std::move(message)));
  }
  [[nodiscard]] bool run(std::size_t ended) {
    return services.run_until([&] { return services.ended().size() >= ended; });
  }
  // A request as another rack sends it.
  [[nodiscard]] static snake::Delivery request(std::string id, std::string acknowledge) {
    snake::Delivery delivery{"flux.msg.test.out.out", std::move(acknowledge), {}, {}, 1};
    delivery.headers = {{"flux-request", std::move(id)}, {"flux-reply", "reply-test-out"}};
    delivery.payload = encode_message({.payload = "x", .fields = {}, .meta = {}})->bytes();
    return delivery;
  }
  void deliver_request(snake::Delivery delivery) {
    bus.deliver(deliver("in"), std::move(delivery));
    services.poll();
  }
  [[nodiscard]] bool has_acknowledged(const std::string& reply) const {
    return std::find(bus.acknowledged.begin(), bus.acknowledged.end(), reply) != bus.acknowledged.end();
  }
  [[nodiscard]] std::size_t replies() const { return bus.stored_under("flux.msg.test.in.>"); }
};

}  // namespace fluxrig::gear::bus
