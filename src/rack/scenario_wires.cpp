#include "rack/scenario_wires.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/nearest.hpp"
#include "sanitize/excerpt.hpp"

namespace fluxrig::rack {
namespace {

constexpr std::string_view kArrow = "->";
constexpr std::size_t kMaxShown = 64;

// One name of a wire, with its port when it has one.
struct Stop {
  std::string_view gear;
  std::string_view port;
  bool has_port = false;
  yaml::Mark mark;
  int width = 1;
};

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string_view line_at(std::string_view text, int number) {
  for (int line = 1; line < number; ++line) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

class WireReader {
 public:
  WireReader(std::string_view text, const std::vector<std::string_view>& known_names, Scenario& scenario,
             std::vector<yaml::Complaint>& complaints)
      : text_(text), known_names_(known_names), scenario_(scenario), complaints_(complaints) {}

  void read(const yaml::Node& item) {
    if (!item.is_scalar()) {
      complain(item.mark, 1, "a wire is written as text", "such as shop -> codec -> bank");
      return;
    }
    const auto stops = split(item);
    if (stops.size() < 2) {
      complain(item.mark, static_cast<int>(std::clamp<std::size_t>(item.scalar.size(), 1, kMaxShown)),
               "a wire joins at least two gears", "such as shop -> codec -> bank");
      return;
    }
    for (const auto& stop : stops)
      if (!is_known(stop)) return;
    if (stops.back().has_port)
      complain(stops.back().mark, stops.back().width,
               fmt::format("a wire leads into a gear, not into a port: '{}'", stops.back().gear),
               fmt::format("write '{}'", stops.back().gear));
    for (std::size_t i = 0; i + 1 < stops.size(); ++i) join(stops[i], stops[i + 1]);
  }

 private:
  std::vector<Stop> split(const yaml::Node& item) {
    std::vector<Stop> stops;
    std::string_view rest = item.scalar;
    for (bool is_last = false; !is_last;) {
      const auto arrow = rest.find(kArrow);
      is_last = arrow == std::string_view::npos;
      const std::string_view name = trim(rest.substr(0, arrow));
      Stop stop;
      stop.gear = name.substr(0, name.find('.'));
      stop.has_port = name.find('.') != std::string_view::npos;
      if (stop.has_port) stop.port = name.substr(name.find('.') + 1);
      locate(item, name, stop);
      stops.push_back(stop);
      if (!is_last) rest.remove_prefix(arrow + kArrow.size());
    }
    return stops;
  }

  // Where `name`, a part of the item's scalar, stands in the file: known for a wire on one line without
  // escapes.
  void locate(const yaml::Node& item, std::string_view name, Stop& stop) {
    stop.mark = item.mark;
    const auto offset = name.empty() ? 0 : name.data() - item.scalar.data();
    const auto column = item.mark.column + static_cast<int>(offset) + (item.quoted ? 1 : 0);
    const std::string_view line = line_at(text_, item.mark.line);
    if (name.empty() || column < 1 || static_cast<std::size_t>(column) > line.size()) return;
    if (!line.substr(static_cast<std::size_t>(column) - 1).starts_with(name)) return;
    stop.mark.column = column;
    stop.width = static_cast<int>(std::min(name.size(), kMaxShown));
  }

  bool is_known(const Stop& stop) {
    if (std::find(known_names_.begin(), known_names_.end(), stop.gear) != known_names_.end()) return true;
    if (stop.gear.empty()) {
      complain(stop.mark, stop.width, "a wire has an arrow without a gear", "such as shop -> codec -> bank");
      return false;
    }
    const std::string nearest = nearest_name(stop.gear, known_names_);
    complain(stop.mark, stop.width,
             fmt::format("a wire names the gear '{}', which does not exist",
                         sanitize::excerpt(stop.gear, kMaxShown)),
             nearest.empty() ? fmt::format("one of: {}", fmt::join(known_names_, ", "))
                             : fmt::format("did you mean '{}'?", nearest));
    return false;
  }

  void join(const Stop& from, const Stop& to) {
    const auto source = index_of(from.gear);
    const auto target = index_of(to.gear);
    if (!source || !target) return;  // a gear that could not be built: already reported
    const auto& target_gear = scenario_.gears[*target];
    if (target_gear.type->role == gear::Role::kIngress) {
      complain(to.mark, to.width,
               fmt::format("gear '{}' ({}) lets messages in: no wire can lead into it", target_gear.name,
                           target_gear.type->name),
               "begin the wire with it");
      return;
    }
    const auto port = port_of(*source, from);
    if (!port) return;
    for (const auto& wire : scenario_.wires) {
      if (wire.from != *source || wire.port != *port) continue;
      if (wire.to == *target) return;  // the same wire again, as a part of another path
      complain(
          to.mark, to.width,
          fmt::format("{} is already wired to '{}'", describe(*source, *port), scenario_.gears[wire.to].name),
          "one output leads to one gear; use a route gear to choose");
      return;
    }
    scenario_.wires.push_back({*source, *port, *target, to.mark});
  }

  std::optional<std::uint16_t> port_of(std::size_t index, const Stop& stop) {
    const auto& entry = scenario_.gears[index];
    if (entry.ports.empty()) {
      complain(stop.mark, stop.width,
               fmt::format("gear '{}' ({}) sends messages out: no wire can lead out of it", entry.name,
                           entry.type->name),
               "end the wire with it");
      return std::nullopt;
    }
    if (!stop.has_port && entry.ports.size() == 1) return std::uint16_t{0};
    for (std::size_t i = 0; i < entry.ports.size(); ++i)
      if (stop.has_port && !stop.port.empty() && entry.ports[i] == stop.port)
        return static_cast<std::uint16_t>(i);
    refuse_port(entry, stop);
    return std::nullopt;
  }

  void refuse_port(const GearEntry& entry, const Stop& stop) {
    if (entry.ports.size() == 1 && entry.ports[0].empty()) {
      complain(stop.mark, stop.width,
               fmt::format("gear '{}' ({}) has no named ports", entry.name, entry.type->name),
               fmt::format("write '{}'", entry.name));
      return;
    }
    const std::vector<std::string_view> names(entry.ports.begin(), entry.ports.end());
    const std::string all = fmt::format("one of: {}", fmt::join(names, ", "));
    if (!stop.has_port) {
      complain(stop.mark, stop.width,
               fmt::format("gear '{}' ({}) has several ports: say which", entry.name, entry.type->name),
               fmt::format("write '{}.{}'; {}", entry.name, names.front(), all));
      return;
    }
    const std::string nearest = nearest_name(stop.port, names);
    complain(stop.mark, stop.width,
             fmt::format("gear '{}' has no port '{}'", entry.name, sanitize::excerpt(stop.port, kMaxShown)),
             nearest.empty() ? all : fmt::format("did you mean '{}.{}'? {}", entry.name, nearest, all));
  }

  std::string describe(std::size_t index, std::uint16_t port) const {
    const auto& entry = scenario_.gears[index];
    return entry.ports[port].empty() ? fmt::format("gear '{}'", entry.name)
                                     : fmt::format("port '{}.{}'", entry.name, entry.ports[port]);
  }

  std::optional<std::size_t> index_of(std::string_view name) const {
    for (std::size_t i = 0; i < scenario_.gears.size(); ++i)
      if (scenario_.gears[i].name == name) return i;
    return std::nullopt;
  }

  void complain(yaml::Mark mark, int width, std::string message, std::string hint) {
    complaints_.push_back({mark, width, std::move(message), std::move(hint)});
  }

  std::string_view text_;
  const std::vector<std::string_view>& known_names_;
  Scenario& scenario_;
  std::vector<yaml::Complaint>& complaints_;
};

}  // namespace

void read_wires(const yaml::Node& list, std::string_view text,
                const std::vector<std::string_view>& known_names, Scenario& scenario,
                std::vector<yaml::Complaint>& complaints) {
  if (!list.is_sequence()) {
    complaints.push_back({list.mark, 1, "'wires' must be a list", "such as [shop -> codec -> bank]"});
    return;
  }
  WireReader reader(text, known_names, scenario, complaints);
  for (const auto& item : list.items) {
    if (scenario.wires.size() >= kMaxWires) {
      complaints.push_back({item.mark, 1, fmt::format("more than {} wires", kMaxWires), ""});
      return;
    }
    reader.read(item);
  }
}

}  // namespace fluxrig::rack
