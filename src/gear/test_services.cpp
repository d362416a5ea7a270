#include "gear/test_services.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <set>

#include "base/test_gate.hpp"
#include "trace/baggage.hpp"

namespace fluxrig::gear {

struct TestServices::World {
  boost::asio::io_context io{1};
  SystemClock clock;
  SeededRandom random = SeededRandom::from_system();
  Diagnostics diagnostics{clock, 2, DiagnosticFormat::kText, Severity::kError, pass_unsearched};
  std::unique_ptr<tap::Names> names = std::make_unique<tap::Names>();
  MachineId machine_id = make_machine_id(random);
};

class TestServices::Open final : public Transaction {
 public:
  Open(World& world, Ticket ticket, Arrival arrival, Message request)
      : world_(world), ticket_(ticket), message(std::move(request)), arrival_(std::move(arrival)) {
    record.flux_id = arrival_.flux_id ? *arrival_.flux_id : make_flux_id(world.clock.now(), world.random);
    arrival_.baggage = trace::bound_baggage(std::move(arrival_.baggage));
    record.parent = arrival_.parent;
    record.name = world.names->text(arrival_.name);
    record.baggage = arrival_.baggage;
    record.bytes = arrival_.bytes;
    trace_id_ = arrival_.parent ? arrival_.parent->trace_id : make_trace_id(world.random);
  }

  Ticket ticket() const noexcept override { return ticket_; }
  const FluxId& flux_id() const noexcept override { return record.flux_id; }
  trace::Context outgoing_context() const override {
    trace::Context context;
    context.trace_id = trace_id_;
    context.span_id = make_span_id(world_.random);
    context.flags = record.parent ? record.parent->flags : trace::kSampled;
    if (record.parent) context.tracestate = record.parent->tracestate;
    return context;
  }
  std::string_view baggage() const noexcept override { return arrival_.baggage; }
  std::uint64_t cookie() const noexcept override { return arrival_.cookie; }
  void attribute(tap::FieldId field, std::string_view value) noexcept override {
    record.attributes[world_.names->text(field)] = std::string(value);
  }
  void attribute(tap::FieldId field, std::int64_t value) noexcept override {
    record.attributes[world_.names->text(field)] = std::to_string(value);
  }
  void span_attribute(tap::FieldId field, std::string_view value) noexcept override {
    record.span_attributes[world_.names->text(field)] = std::string(value);
  }
  void span_attribute(tap::FieldId field, std::int64_t value) noexcept override {
    record.span_attributes[world_.names->text(field)] = std::to_string(value);
  }
  tap::LinkTarget as_link_target() const noexcept override { return {trace_id_, {}, record.flux_id}; }
  void link(tap::FieldId relation, const tap::LinkTarget& target) noexcept override {
    record.links[world_.names->text(relation)] = target.flux_id;
  }
  void span_name(tap::NameId name) noexcept override {
    record.span_name = world_.names->text(name);
    if (at == 0) record.name = world_.names->text(name);
  }
  void span_error(const char* reason) noexcept override { record.span_error = reason; }
  void count_bytes(std::uint64_t, std::uint64_t) noexcept override {}
  Message& kept(const Gear& gear) override { return kept_[&gear]; }

 private:
  World& world_;
  Ticket ticket_;

 public:
  Message message;
  std::vector<Gear*> path;
  std::size_t at = 0;  // index in `path` of the gear that is called or waits
  bool waiting = false;
  bool on_the_way_back = false;
  bool abandoned = false;
  EndedTransaction record;

 private:
  Arrival arrival_;
  TraceId trace_id_;
  std::map<const Gear*, Message> kept_;
};

TestServices::TestServices() : world_(std::make_unique<World>()) {}
TestServices::~TestServices() { stop(); }
void TestServices::set_machine_id(const MachineId& machine) noexcept { world_->machine_id = machine; }

void TestServices::add(Gear& gear, std::string name) { gears_.emplace_back(&gear, std::move(name)); }
void TestServices::wire(Gear& from, Gear& to, std::uint16_t port) { wires_.push_back({&from, port, &to}); }

Outcome<void> TestServices::start() {
  running_ = true;
  for (auto gear = gears_.rbegin(); gear != gears_.rend(); ++gear) {
    auto started = gear->first->start(*this);
    if (!started) {
      stop();
      return started;
    }
  }
  return {};
}

void TestServices::stop() {
  if (!running_) return;
  running_ = false;
  for (const auto& gear : gears_) gear.first->stop();
}

bool TestServices::run_until(const std::function<bool()>& done, std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!done()) {
    const auto left = end - std::chrono::steady_clock::now();
    if (left <= std::chrono::steady_clock::duration::zero()) return false;
    // The condition may depend on another thread: look at it again soon.
    world_->io.restart();
    world_->io.run_one_for(
        std::min<std::chrono::steady_clock::duration>(left, std::chrono::milliseconds(10)));
  }
  return true;
}

void TestServices::poll() {
  world_->io.restart();
  world_->io.poll();
}

void TestServices::release_replies() {
  holding_ = false;
  for (const auto ticket : std::exchange(held_, {}))
    if (auto* open = static_cast<Open*>(find(ticket))) answer(*open);
}

std::size_t TestServices::open() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(open_.begin(), open_.end(), [](const auto& open) { return open != nullptr; }));
}

std::size_t TestServices::strays(std::string_view reason) const {
  const auto found = strays_.find(reason);
  return found == strays_.end() ? 0 : found->second;
}

Result<Ticket> TestServices::begin(Gear& ingress, Arrival arrival, Message request) {
  if (refusal_) return fail(*refusal_, "refused by the test");
  const auto free = std::find(open_.begin(), open_.end(), nullptr);
  const auto slot = static_cast<std::uint32_t>(free - open_.begin());
  if (free == open_.end()) open_.emplace_back();
  const Ticket ticket{slot, ++generation_};
  open_[slot] = std::make_unique<Open>(*world_, ticket, std::move(arrival), std::move(request));
  auto& open = *open_[slot];
  open.path.push_back(&ingress);
  forward(open, ingress.on_request(open, open.message));
  return ticket;
}

// Runs the request on until a gear answers, waits or fails; `step` is what the gear at `open.at` said.
void TestServices::forward(Open& open, Step step) {
  while (step.kind == Step::Kind::kNext) {
    auto* next = next_of(*open.path.back(), step.port);
    if (next == nullptr)
      return fail_back(open, open.at, {FailureCode::kInternal, "no wire leads on from here"});
    open.path.push_back(next);
    open.at = open.path.size() - 1;
    step = next->on_request(open, open.message);
  }
  if (step.kind == Step::Kind::kWait) {
    open.waiting = true;
  } else if (step.kind == Step::Kind::kReply) {
    back(open, open.at);
  } else {
    fail_back(open, open.at, step.failure);
  }
}

// `from` answered: the reply passes the gears before it. An ingress gear that answered itself is not asked.
void TestServices::back(Open& open, std::size_t from) {
  open.on_the_way_back = true;
  while (from > 0) {
    open.at = --from;
    const auto step = open.path[from]->on_reply(open, open.message);
    if (step.kind == Step::Kind::kFail) return fail_back(open, from, step.failure);
    if (step.kind == Step::Kind::kWait) {
      open.waiting = true;
      return;
    }
  }
  answer(open);
}

// `from` failed: it is asked first, then the gears before it.
void TestServices::fail_back(Open& open, std::size_t from, Failure failure) {
  ++from;
  open.on_the_way_back = true;
  open.record.failure = failure;
  open.message = Message{};
  while (from > 0) {
    open.at = --from;
    const auto step = open.path[from]->on_failure(open, failure, open.message);
    if (step.kind == Step::Kind::kReply) return back(open, from);
    if (step.kind == Step::Kind::kFail) failure = step.failure;
  }
  end(open, model::TransactionOutcome::kFailed, failure);
}

void TestServices::answer(Open& open) {
  if (holding_) {
    held_.push_back(open.ticket());
    return;
  }
  if (!open.abandoned) open.path.front()->send_reply(open, open.message);
  const auto failure = open.record.failure;
  auto outcome = model::TransactionOutcome::kAnswered;
  if (*failure.reason != '\0') {
    outcome = model::TransactionOutcome::kFailed;
    if (failure.code == FailureCode::kTimeout) outcome = model::TransactionOutcome::kTimedOut;
    if (failure.code == FailureCode::kRefused) outcome = model::TransactionOutcome::kRefused;
  }
  end(open, open.abandoned ? model::TransactionOutcome::kAbandoned : outcome, failure);
}

void TestServices::end(Open& open, model::TransactionOutcome outcome, Failure failure) {
  open.record.outcome = outcome;
  open.record.failure = failure;
  ended_.push_back(std::move(open.record));
  open_[open.ticket().slot].reset();
}

void TestServices::resume(Ticket ticket, Step step, Message message) {
  auto* open = static_cast<Open*>(find(ticket));
  if (open == nullptr || !open->waiting) {
    ++late_resumes_;
    return;
  }
  open->waiting = false;
  if (step.kind != Step::Kind::kFail) open->message = std::move(message);
  if (!open->on_the_way_back) return forward(*open, step);
  if (step.kind == Step::Kind::kFail) return fail_back(*open, open->at, step.failure);
  back(*open, open->at);
}

Transaction* TestServices::find(Ticket ticket) noexcept {
  if (ticket.slot >= open_.size() || open_[ticket.slot] == nullptr) return nullptr;
  return open_[ticket.slot]->ticket() == ticket ? open_[ticket.slot].get() : nullptr;
}

void TestServices::abandon(Ticket ticket) {
  if (auto* open = static_cast<Open*>(find(ticket))) open->abandoned = true;
}

Gear* TestServices::next_of(const Gear& from, std::uint16_t port) const noexcept {
  for (const auto& wire : wires_)
    if (wire.from == &from && wire.port == port) return wire.to;
  return nullptr;
}

// The gears before `egress`, nearest first.
std::vector<Gear*> TestServices::way_to(const Gear& egress) const {
  std::vector<Gear*> way;
  std::set<const Gear*> seen{&egress};
  std::vector<const Gear*> edge{&egress};
  while (!edge.empty()) {
    std::vector<const Gear*> before;
    for (const auto& wire : wires_) {
      if (std::find(edge.begin(), edge.end(), wire.to) == edge.end() || !seen.insert(wire.from).second)
        continue;
      way.push_back(wire.from);
      before.push_back(wire.from);
    }
    edge = std::move(before);
  }
  return way;
}

std::vector<std::string> TestServices::correlation_keys(const Gear& egress, std::string_view reply_bytes) {
  for (auto* gear : way_to(egress))
    if (gear->correlates()) return gear->correlation_keys(reply_bytes);
  return {};
}

bool TestServices::correlates(const Gear& egress) const noexcept {
  const auto way = way_to(egress);
  return std::any_of(way.begin(), way.end(), [](const Gear* gear) { return gear->correlates(); });
}

void TestServices::stray(const Gear&, const char* reason) noexcept { ++strays_[reason]; }

std::string_view TestServices::name_of(const Gear& gear) const noexcept {
  for (const auto& [known, name] : gears_)
    if (known == &gear) return name;
  return {};
}

boost::asio::io_context& TestServices::io() noexcept { return world_->io; }
tap::Names& TestServices::names() noexcept { return *world_->names; }
Diagnostics& TestServices::diagnostics() noexcept { return world_->diagnostics; }
const Clock& TestServices::clock() const noexcept { return world_->clock; }
Random& TestServices::random() noexcept { return world_->random; }
const MachineId& TestServices::machine_id() const noexcept { return world_->machine_id; }
void TestServices::announce_consumer(const Gear&, std::string filter_subject) {
  consumers_.push_back(std::move(filter_subject));
}

}  // namespace fluxrig::gear
