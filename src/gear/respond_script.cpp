#include "gear/respond_script.hpp"

#include <fmt/core.h>

#include "gear/iso8583/message_type.hpp"

namespace fluxrig::gear {

namespace {

constexpr std::uint64_t kMillion = 1'000'000;

std::vector<std::pair<std::string, std::string>> read_values(const Settings& settings,
                                                             std::string_view name) {
  std::vector<std::pair<std::string, std::string>> values;
  if (const auto* node = settings.free(name))
    for (const auto& entry : node->entries) values.emplace_back(entry.key, entry.value.scalar);
  return values;
}

void check_values(const Settings& settings, std::string_view name, std::vector<yaml::Complaint>& complaints) {
  const auto* node = settings.free(name);
  if (node == nullptr) return;
  if (!node->is_map())
    complaints.push_back({node->mark, 1, fmt::format("'{}' must be a map from field to text", name), ""});
  for (const auto& entry : node->entries)
    if (!entry.value.is_scalar())
      complaints.push_back({entry.value.mark, 1, fmt::format("'{}': a value must be text", name), ""});
}

std::string status_text(const Settings& settings, std::string_view name) {
  return settings.has(name) ? std::to_string(settings.integer(name)) : std::string{};
}

bool happens(double rate, Random& random) {
  return rate > 0 && static_cast<double>(random.below(kMillion)) < rate * static_cast<double>(kMillion);
}

bool is_approval(std::string_view code) noexcept { return code == "00" || code == "000"; }

}  // namespace

std::string authorization_code(std::string_view stan) {
  std::uint64_t number = 0;
  for (const char c : stan)
    if (c >= '0' && c <= '9') number = (number * 10 + static_cast<std::uint64_t>(c - '0')) % kMillion;
  // Odd and prime to ten: different numbers give different codes.
  return fmt::format("{:06}", (number * 7919 + 104729) % kMillion);
}

RespondScript::RespondScript(const Settings& settings)
    : response_type_(settings.text("mti") == "response"),
      echo_(settings.texts("echo")),
      set_(read_values(settings, "set")),
      payload_(settings.text("payload")),
      status_(status_text(settings, "status")),
      authorization_(settings.boolean("authorization")),
      error_rate_(settings.number("error_rate")),
      error_set_(read_values(settings, "error_set")),
      error_status_(status_text(settings, "error_status")),
      drop_rate_(settings.number("drop_rate")) {
  if (const auto* latency = settings.map("latency")) {
    mean_ms_ = latency->duration("mean").count();
    jitter_ms_ = latency->duration("jitter").count();
  }
  for (const auto& each : settings.maps("rules"))
    rules_.push_back({each.text("field"), ValueMatch(each), read_values(each, "set"), each.text("payload"),
                      status_text(each, "status"), each.boolean("drop")});
}

const RespondScript::Rule* RespondScript::rule_for(const Message& request) const noexcept {
  for (const auto& rule : rules_) {
    const auto* value = value_of(request, rule.field);
    if (value != nullptr && rule.match.matches(*value)) return &rule;
  }
  return nullptr;
}

RespondScript::Answer RespondScript::answer(const Message& request, Random& random) const {
  const auto* rule = rule_for(request);
  Answer answer;
  answer.is_dropped = (rule != nullptr && rule->drop) || happens(drop_rate_, random);
  if (answer.is_dropped) return answer;
  auto& fields = answer.message.fields;
  if (const auto* type = request.fields.find("mti"))
    fields.append("mti", response_type_ ? iso8583::response_type(*type) : *type);
  for (const auto& name : echo_)
    if (const auto* value = request.fields.find(name)) fields.set(name, *value);
  for (const auto& [name, value] : set_) fields.set(name, value);
  answer.message.payload = payload_;
  std::string status = status_;
  if (rule != nullptr) {
    for (const auto& [name, value] : rule->set) fields.set(name, value);
    if (!rule->payload.empty()) answer.message.payload = rule->payload;
    if (!rule->status.empty()) status = rule->status;
  }
  if (happens(error_rate_, random)) {
    for (const auto& [name, value] : error_set_) fields.set(name, value);
    status = error_status_;
  }
  if (authorization_ && is_approval(fields.get("39")) && fields.find("38") == nullptr)
    if (const auto* stan = request.fields.find("11")) fields.append("38", authorization_code(*stan));
  if (!status.empty()) answer.message.meta.set("http.response.status_code", std::move(status));
  return answer;
}

std::int64_t RespondScript::latency_ms(Random& random) const noexcept {
  if (mean_ms_ == 0 && jitter_ms_ == 0) return 0;
  const auto spread = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(2 * jitter_ms_ + 1)));
  return std::max<std::int64_t>(0, mean_ms_ - jitter_ms_ + spread);
}

std::vector<Option> RespondScript::options() {
  constexpr std::int64_t kMinute = 60'000;
  auto rule = std::vector<Option>{{.name = "field",
                                   .type = OptionType::kText,
                                   .summary = "the field or fact looked at",
                                   .required = true}};
  for (auto& option : ValueMatch::options()) rule.push_back(option);
  rule.push_back(
      {.name = "set", .type = OptionType::kFree, .summary = "fields of the answer, over the general ones"});
  rule.push_back({.name = "payload", .type = OptionType::kText, .summary = "the answer's body"});
  rule.push_back({.name = "status",
                  .type = OptionType::kInteger,
                  .summary = "HTTP status",
                  .minimum = 200,
                  .maximum = 599});
  rule.push_back(
      {.name = "drop", .type = OptionType::kBoolean, .summary = "never answers", .fallback = "false"});
  return {
      {.name = "mti",
       .type = OptionType::kChoice,
       .summary = "the answer's message type: the request's response, or the same",
       .fallback = "response",
       .choices = {"response", "same"}},
      {.name = "echo",
       .type = OptionType::kTexts,
       .summary = "fields repeated from the request",
       .fallback = "[3, 4, 7, 11, 12, 13, 37, 41, 42, 49]"},
      {.name = "set",
       .type = OptionType::kFree,
       .summary = "fields of every answer, such as { \"39\": \"00\" }"},
      {.name = "payload",
       .type = OptionType::kText,
       .summary = "body of every answer, when there are no fields"},
      {.name = "status",
       .type = OptionType::kInteger,
       .summary = "HTTP status",
       .minimum = 200,
       .maximum = 599},
      {.name = "authorization",
       .type = OptionType::kBoolean,
       .summary = "gives approvals (39 is 00 or 000) an element 38 made from element 11",
       .fallback = "true"},
      {.name = "latency",
       .type = OptionType::kMap,
       .summary = "time until the answer; none: at once",
       .items = {{.name = "mean",
                  .type = OptionType::kDuration,
                  .summary = "in the middle",
                  .required = true,
                  .minimum = 0,
                  .maximum = kMinute},
                 {.name = "jitter",
                  .type = OptionType::kDuration,
                  .summary = "at most so much less or more, uniform",
                  .fallback = "0ms",
                  .minimum = 0,
                  .maximum = kMinute}}},
      {.name = "error_rate",
       .type = OptionType::kNumber,
       .summary = "share of answers that become errors",
       .fallback = "0",
       .minimum = 0,
       .maximum = 1},
      {.name = "error_set",
       .type = OptionType::kFree,
       .summary = "fields of an error",
       .fallback = "{ \"39\": \"96\" }"},
      {.name = "error_status",
       .type = OptionType::kInteger,
       .summary = "HTTP status of an error",
       .fallback = "500",
       .minimum = 200,
       .maximum = 599},
      {.name = "drop_rate",
       .type = OptionType::kNumber,
       .summary = "share of requests that are never answered",
       .fallback = "0",
       .minimum = 0,
       .maximum = 1},
      {.name = "rules",
       .type = OptionType::kMaps,
       .summary = "answers to particular requests; the first that matches",
       .items = std::move(rule)},
  };
}

void RespondScript::check(const Settings& settings, std::vector<yaml::Complaint>& complaints) {
  check_values(settings, "set", complaints);
  check_values(settings, "error_set", complaints);
  for (const auto& each : settings.maps("rules")) {
    ValueMatch::check(each, complaints);
    check_values(each, "set", complaints);
  }
}

}  // namespace fluxrig::gear
