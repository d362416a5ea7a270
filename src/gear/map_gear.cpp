// The gear `map`: a JSON body to ISO 8583 fields on the way out and back again, by two mapping files; or the
// other way round on the host's side. docs/gears/map.md.
#include <fmt/core.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

#include "gear/catalogue.hpp"
#include "gear/gear.hpp"
#include "gear/map_apply.hpp"
#include "gear/map_json.hpp"
#include "gear/map_rules.hpp"
#include "gear/services.hpp"
#include "gear/transaction.hpp"
#include "sanitize/sanitizer.hpp"

namespace fluxrig::gear {

namespace {

constexpr std::uint32_t kStans = 999'999;
constexpr std::string_view kStatus = "http.response.status_code";
constexpr std::string_view kContentType = "content-type";

Outcome<Mapping> load_mapping(const std::string& path, MapForm output) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return problem(fmt::format("cannot read the mapping {}: {}", path, std::strerror(errno)));
  std::string text(yaml::kMaxBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  auto mapping = parse_mapping(text, output);
  if (!mapping) return problem(yaml::render(mapping.error(), path, text, sanitize::mask_card_numbers));
  return std::move(*mapping);
}

MapForm request_output(const Settings& settings) {
  return settings.text("from") == "json" ? MapForm::kFields : MapForm::kJson;
}
MapForm reply_output(const Settings& settings) {
  return settings.text("from") == "json" ? MapForm::kJson : MapForm::kFields;
}

// One direction of the gear, with everything that is known at start.
struct Direction {
  MapForm output = MapForm::kFields;
  Mapping mapping;
  std::vector<tap::FieldId> recorded;                           // beside mapping.record
  std::vector<std::pair<const MapRule*, const char*>> missing;  // the sentence for a rule without its value
};

class MapGear final : public Gear {
 public:
  explicit MapGear(const Settings& settings)
      : request_file_(settings.text("request")), reply_file_(settings.text("reply")) {
    request_.output = request_output(settings);
    reply_.output = reply_output(settings);
  }

  Outcome<void> start(Services& services) override {
    services_ = &services;
    if (auto loaded = load(request_, request_file_); !loaded) return loaded;
    if (auto loaded = load(reply_, reply_file_); !loaded) return loaded;
    for (const auto& rule : reply_.mapping.rules) remember_copy(rule);
    for (const auto& rule : reply_.mapping.status) remember_copy(rule);
    span_name_ = services.names().name("map");
    // A counter that begins anywhere does not repeat the last numbers of the run before.
    stan_ = static_cast<std::uint32_t>(services.random().below(kStans));
    prepare(request_);
    prepare(reply_);
    return {};
  }

  Step on_request(Transaction& transaction, Message& message) override {
    transaction.span_name(span_name_);
    return convert(transaction, message, request_, FailureCode::kRejected);
  }

  Step on_reply(Transaction& transaction, Message& message) override {
    return convert(transaction, message, reply_, FailureCode::kInternal);
  }

 private:
  static Outcome<void> load(Direction& direction, const std::string& file) {
    auto mapping = load_mapping(file, direction.output);
    if (!mapping) return tl::unexpected(mapping.error());
    direction.mapping = std::move(*mapping);
    return {};
  }

  void remember_copy(const MapRule& rule) {
    if (rule.source == MapSource::kCopy) copied_.push_back(rule.name);
  }

  void prepare(Direction& direction) {
    auto& names = services_->names();
    for (const auto& path : direction.mapping.record)
      direction.recorded.push_back(names.field("json." + path, sanitize::json_action(path)));
    for (const auto& rule : direction.mapping.rules) {
      if (rule.source != MapSource::kFrom || rule.optional || rule.has_default) continue;
      // The mapping's own word for the value, never the caller's; kept by the names for as long as the rack
      // runs.
      const auto id = names.name(fmt::format("the message has no '{}'", rule.name));
      if (id != tap::NameId{}) direction.missing.emplace_back(&rule, names.text(id).c_str());
    }
  }

  Step convert(Transaction& transaction, Message& message, const Direction& direction, FailureCode blame) {
    const bool is_request = &direction == &request_;
    if (direction.output == MapForm::kFields) {
      if (message.payload.empty()) return Step::fail(FailureCode::kMalformed, "the body is empty");
      if (const auto read = flatten_json(message.payload, message.fields); !read)
        return Step::fail(FailureCode::kMalformed, read.error().detail);
      record_json(transaction, direction, message.fields);
    }
    auto& kept = transaction.kept(*this);
    if (is_request) keep(kept.fields, "body.", message.fields);
    const MapInput input{message.fields, kept.fields, services_->clock().now(), is_request ? next_stan() : 0,
                         transaction.flux_id()};
    const auto mapped = apply_rules(direction.mapping.rules, input);
    if (!mapped) return Step::fail(blame, reason_of(direction, mapped.error()));
    const auto status = apply_rules(direction.mapping.status, input);
    if (!status) return Step::fail(blame, reason_of(direction, status.error()));
    if (direction.output == MapForm::kJson)
      return write_json(transaction, message, direction, *mapped, *status);
    Fields fields;
    fields.reserve(mapped->size());
    for (const auto& each : *mapped) fields.append(each.rule->to, each.text);
    message.fields = std::move(fields);
    message.payload.clear();
    if (is_request) keep(kept.fields, "request.", message.fields);
    return Step::next();
  }

  Step write_json(Transaction& transaction, Message& message, const Direction& direction,
                  const std::vector<Mapped>& mapped, const std::vector<Mapped>& status) {
    std::vector<JsonValue> values;
    Fields flat;
    for (const auto& each : mapped) {
      values.push_back({each.rule->to, each.text, each.rule->type});
      flat.append(each.rule->to, each.text);
    }
    auto body = render_json(values);
    if (!body) return Step::fail(FailureCode::kMalformed, body.error().detail);
    record_json(transaction, direction, flat);
    if (&direction == &request_) keep(transaction.kept(*this).fields, "request.", flat);
    message.payload = std::move(*body);
    message.fields.clear();
    message.meta.set(kContentType, "application/json");
    if (&direction == &reply_) message.meta.set(kStatus, status.empty() ? "200" : status.front().text);
    return Step::next();
  }

  // Keeps of `fields` what a rule of the reply copies.
  void keep(Fields& kept, std::string_view prefix, const Fields& fields) const {
    for (const auto& name : copied_) {
      if (!name.starts_with(prefix)) continue;
      if (const auto* value = fields.find(std::string_view(name).substr(prefix.size())))
        kept.set(name, *value);
    }
  }

  static void record_json(Transaction& transaction, const Direction& direction, const Fields& values) {
    for (std::size_t i = 0; i < direction.recorded.size(); ++i)
      if (const auto* value = values.find(direction.mapping.record[i]))
        transaction.attribute(direction.recorded[i], *value);
  }

  static const char* reason_of(const Direction& direction, const MapMistake& mistake) {
    if (mistake.is_missing)
      for (const auto& [rule, reason] : direction.missing)
        if (rule == mistake.rule) return reason;
    return mistake.reason;
  }

  std::uint32_t next_stan() {
    stan_ = stan_ % kStans + 1;
    return stan_;
  }

  std::string request_file_;
  std::string reply_file_;
  Direction request_;
  Direction reply_;
  std::vector<std::string> copied_;
  Services* services_ = nullptr;
  tap::NameId span_name_;
  std::uint32_t stan_ = 0;
};

void check_file(const Settings& settings, std::string_view option, MapForm output,
                std::vector<yaml::Complaint>& complaints) {
  const auto path = settings.text(option);
  if (const auto mapping = load_mapping(path, output); !mapping)
    complaints.push_back({settings.mark(option), 1, mapping.error().message, ""});
}

void check(const Settings& settings, std::vector<yaml::Complaint>& complaints) {
  check_file(settings, "request", request_output(settings), complaints);
  check_file(settings, "reply", reply_output(settings), complaints);
}

}  // namespace

GearType map_type() {
  return {
      .name = "map",
      .summary = "JSON to ISO 8583 fields and back, by two mapping files",
      .role = Role::kFilter,
      .options =
          {
              {.name = "request",
               .type = OptionType::kPath,
               .summary = "the mapping file for requests",
               .required = true},
              {.name = "reply",
               .type = OptionType::kPath,
               .summary = "the mapping file for replies",
               .required = true},
              {.name = "from",
               .type = OptionType::kChoice,
               .summary =
                   "what requests come as: json (replies become JSON) or fields (replies become fields)",
               .fallback = "json",
               .choices = {"json", "fields"}},
          },
      .check = check,
      .make = [](const Settings& settings) -> std::unique_ptr<Gear> {
        return std::make_unique<MapGear>(settings);
      },
  };
}

}  // namespace fluxrig::gear
