// Whether the wires make a sound graph: every output leads somewhere, nothing goes round, nothing is left
// over.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "rack/scenario_wires.hpp"

namespace fluxrig::rack {
namespace {

void complain_at(const GearEntry& entry, std::string message, std::string hint,
                 std::vector<yaml::Complaint>& complaints) {
  complaints.push_back(
      {entry.mark, static_cast<int>(entry.name.size()), std::move(message), std::move(hint)});
}

void check_outputs(const Scenario& scenario, std::vector<yaml::Complaint>& complaints) {
  for (std::size_t i = 0; i < scenario.gears.size(); ++i) {
    const auto& entry = scenario.gears[i];
    for (std::size_t port = 0; port < entry.ports.size(); ++port) {
      if (scenario.target(i, static_cast<std::uint16_t>(port))) continue;
      const std::string name =
          entry.ports[port].empty() ? entry.name : fmt::format("{}.{}", entry.name, entry.ports[port]);
      complain_at(entry, fmt::format("the output of '{}' is not wired", name),
                  fmt::format("add a wire: {} -> ...", name), complaints);
    }
  }
}

// Follows the wires depth first; a wire back to a gear on the current path closes a loop.
class LoopSearch {
 public:
  LoopSearch(const Scenario& scenario, std::vector<yaml::Complaint>& complaints)
      : scenario_(scenario),
        complaints_(complaints),
        outgoing_(scenario.gears.size()),
        states_(scenario.gears.size(), State::kNew) {
    for (const auto& wire : scenario.wires) outgoing_[wire.from].push_back(&wire);
  }

  void run() {
    for (std::size_t i = 0; i < states_.size(); ++i)
      if (states_[i] == State::kNew) walk(i);
  }

 private:
  enum class State : std::uint8_t { kNew, kOnPath, kDone };
  struct Visit {
    std::size_t gear;
    std::size_t next;  // of its outgoing wires
  };

  // A stack of our own: a long chain of gears must not exhaust the thread's.
  void walk(std::size_t start) {
    std::vector<Visit> path{{start, 0}};
    states_[start] = State::kOnPath;
    while (!path.empty()) {
      auto& visit = path.back();
      if (visit.next == outgoing_[visit.gear].size()) {
        states_[visit.gear] = State::kDone;
        path.pop_back();
        continue;
      }
      const Wire& wire = *outgoing_[visit.gear][visit.next++];
      if (states_[wire.to] == State::kOnPath) report(path, wire);
      if (states_[wire.to] != State::kNew) continue;
      states_[wire.to] = State::kOnPath;
      path.push_back({wire.to, 0});
    }
  }

  void report(const std::vector<Visit>& path, const Wire& wire) {
    std::vector<std::string_view> names;
    const auto first =
        std::find_if(path.begin(), path.end(), [&](const Visit& v) { return v.gear == wire.to; });
    for (auto visit = first; visit != path.end(); ++visit) names.push_back(scenario_.gears[visit->gear].name);
    const std::string& target = scenario_.gears[wire.to].name;
    complaints_.push_back({wire.mark, static_cast<int>(target.size()),
                           fmt::format("the wires go round: {} -> {}", fmt::join(names, " -> "), target),
                           "a message must leave through an egress gear"});
  }

  const Scenario& scenario_;
  std::vector<yaml::Complaint>& complaints_;
  std::vector<std::vector<const Wire*>> outgoing_;
  std::vector<State> states_;
};

void check_reachable(const Scenario& scenario, std::vector<yaml::Complaint>& complaints) {
  std::vector<bool> is_reached(scenario.gears.size(), false);
  std::vector<std::size_t> pending;
  for (std::size_t i = 0; i < scenario.gears.size(); ++i)
    if (scenario.gears[i].type->role == gear::Role::kIngress) {
      is_reached[i] = true;
      pending.push_back(i);
    }
  if (pending.empty()) {
    complaints.push_back({scenario.gears.empty() ? yaml::Mark{} : scenario.gears.front().mark, 1,
                          "no gear lets messages in", "add one such as http_server, tcp_server or bus_in"});
    return;
  }
  while (!pending.empty()) {
    const std::size_t current = pending.back();
    pending.pop_back();
    for (const auto& wire : scenario.wires) {
      if (wire.from != current || is_reached[wire.to]) continue;
      is_reached[wire.to] = true;
      pending.push_back(wire.to);
    }
  }
  for (std::size_t i = 0; i < scenario.gears.size(); ++i)
    if (!is_reached[i])
      complain_at(scenario.gears[i], fmt::format("no wire leads to gear '{}'", scenario.gears[i].name),
                  "wire it, or take it out", complaints);
}

}  // namespace

void check_graph(const Scenario& scenario, std::vector<yaml::Complaint>& complaints) {
  check_outputs(scenario, complaints);
  LoopSearch(scenario, complaints).run();
  check_reachable(scenario, complaints);
}

}  // namespace fluxrig::rack
