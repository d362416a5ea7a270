// What `type: bus_out` and `type: bus_in` take.
#include "gear/bus/bus_in.hpp"
#include "gear/bus/bus_out.hpp"
#include "gear/catalogue.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::gear {
namespace {

std::unique_ptr<Gear> make_out(const Settings& settings) {
  bus::BusOutOptions options;
  options.port = settings.text("port");
  options.reply = settings.boolean("reply");
  options.reply_timeout = settings.duration("reply_timeout");
  options.max_in_flight = static_cast<std::size_t>(settings.integer("max_in_flight"));
  options.spool_bytes = settings.size("spool");
  options.spool_window = static_cast<std::size_t>(settings.integer("spool_window"));
  return std::make_unique<bus::BusOut>(std::move(options));
}

std::unique_ptr<Gear> make_in(const Settings& settings) {
  bus::BusInOptions options;
  options.from = settings.text("from");
  options.max_in_flight = static_cast<std::size_t>(settings.integer("max_in_flight"));
  return std::make_unique<bus::BusIn>(std::move(options));
}

void check_out(const Settings& settings, std::vector<yaml::Complaint>& complaints) {
  const auto port = settings.text("port");
  // "reply-..." is where replies to requests go.
  if (snake::valid_name_token(port) && port.substr(0, 6) != "reply-") return;
  complaints.push_back({.mark = settings.mark("port"),
                        .message = "'port' is not a name for a port",
                        .hint = "1 to 32 of a-z, 0-9, '-' and '_', not beginning with 'reply-'"});
}

void check_in(const Settings& settings, std::vector<yaml::Complaint>& complaints) {
  if (bus::parse_source(settings.text("from"))) return;
  complaints.push_back({.mark = settings.mark("from"),
                        .message = "'from' does not name a bus_out gear",
                        .hint = "write <rack>.<gear>, or <rack>.<gear>.<port>, as 'edge.to-host'"});
}

}  // namespace

GearType bus_out_type() {
  using enum OptionType;
  return {
      .name = "bus_out",
      .summary = "sends messages to another rack over the bus, stored until they are processed",
      .role = Role::kEgress,
      .options = {{.name = "port",
                   .type = kText,
                   .summary = "last part of the subject, which bus_in's 'from' names",
                   .fallback = "out"},
                  {.name = "reply",
                   .type = kBoolean,
                   .summary = "wait for the other rack's reply; false: answered once the message is safe",
                   .fallback = "true"},
                  {.name = "reply_timeout",
                   .type = kDuration,
                   .summary = "then the request fails as timed out; without reply it goes to the spool",
                   .fallback = "5s",
                   .minimum = 1,
                   .maximum = 3'600'000},
                  {.name = "max_in_flight",
                   .type = kInteger,
                   .summary = "messages that wait for the bus or a reply; more are refused",
                   .fallback = "4096",
                   .minimum = 1,
                   .maximum = 65'536},
                  {.name = "spool",
                   .type = kSize,
                   .summary = "disk for messages without reply while the bus is away; then they are refused",
                   .fallback = "256MiB",
                   .minimum = 4 << 20,
                   .maximum = std::int64_t{1} << 40},
                  {.name = "spool_window",
                   .type = kInteger,
                   .summary = "spooled messages on their way at a time; 1: never out of order",
                   .fallback = "64",
                   .minimum = 1,
                   .maximum = 1024}},
      .check = check_out,
      .make = make_out};
}

GearType bus_in_type() {
  using enum OptionType;
  return {.name = "bus_in",
          .summary = "takes messages that a bus_out gear of another rack sent, and returns the replies",
          .role = Role::kIngress,
          .options = {{.name = "from",
                       .type = kText,
                       .summary = "the bus_out gear: <rack>.<gear> or <rack>.<gear>.<port>",
                       .required = true},
                      {.name = "max_in_flight",
                       .type = kInteger,
                       .summary =
                           "messages that are processed at a time; more wait in the rack, then in the stream",
                       .fallback = "256",
                       .minimum = 1,
                       .maximum = 65'536}},
          .check = check_in,
          .make = make_in};
}

}  // namespace fluxrig::gear
