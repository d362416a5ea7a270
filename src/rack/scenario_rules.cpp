#include "rack/scenario_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sanitize/excerpt.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::rack {
namespace {

using sanitize::Action;
using sanitize::UserRule;

constexpr std::size_t kMostFields = 64;
constexpr std::size_t kMostFieldBytes = 128;
constexpr std::size_t kMostShown = 32;

Action action_of(std::string_view word) {
  return word == "mask" ? Action::kMask : word == "token" ? Action::kToken : Action::kDrop;
}

std::string_view line_at(std::string_view text, int line) {
  for (; line > 1 && !text.empty(); --line)
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  return text.substr(0, text.find('\n'));
}

// Bytes of the file that stand for the next character of a quoted scalar.
std::size_t width_at(std::string_view rest, char quote) {
  if (quote == '\'') return rest.starts_with("''") ? 2 : 1;
  if (quote != '"' || !rest.starts_with('\\') || rest.size() < 2) return 1;
  const char kind = rest[1];
  return kind == 'x' ? 4 : kind == 'u' ? 6 : kind == 'U' ? 10 : 2;
}

std::string sentence_of(std::string_view why) {
  while (why.ends_with('.')) why.remove_suffix(1);
  return std::string(why);
}

void complain(const sanitize::PatternEngine::Fault& fault, const gear::Settings& rule, std::string_view text,
              std::vector<yaml::Complaint>& complaints) {
  const auto begin = rule.mark("pattern");
  complaints.push_back({fault.at ? mark_inside(text, begin, *fault.at) : begin, 1,
                        fmt::format("sanitize.rules: the pattern of rule '{}': {}",
                                    sanitize::excerpt(rule.text("name"), kMostShown), sentence_of(fault.why)),
                        ""});
}

void check_names(const gear::Settings& rule, const std::vector<UserRule>& before,
                 std::vector<yaml::Complaint>& complaints) {
  const auto name = rule.text("name");
  if (!snake::valid_name_token(name))
    complaints.push_back(
        {rule.mark("name"), 1,
         fmt::format("sanitize.rules: '{}' is no name of a rule", sanitize::excerpt(name, kMostShown)),
         "1 to 32 of a-z, 0-9, _ and -"});
  if (std::any_of(before.begin(), before.end(), [&](const auto& other) { return other.name == name; }))
    complaints.push_back(
        {rule.mark("name"), 1, fmt::format("sanitize.rules: there are two rules '{}'", name), ""});
  if (!rule.has("fields")) return;
  const auto& fields = rule.texts("fields");
  const bool good =
      !fields.empty() && fields.size() <= kMostFields &&
      std::all_of(fields.begin(), fields.end(), [](const auto& field) {
        return !field.empty() && field.size() <= kMostFieldBytes && field.find('*') >= field.size() - 1;
      });
  if (!good)
    complaints.push_back({rule.mark("fields"), 1,
                          fmt::format("sanitize.rules: the fields of rule '{}' are no list of 1 to {} names",
                                      sanitize::excerpt(name, kMostShown), kMostFields),
                          fmt::format("at most {} bytes each, and a '*' only at the end", kMostFieldBytes)});
}

}  // namespace

yaml::Mark mark_inside(std::string_view text, yaml::Mark mark, std::size_t index) {
  const auto line = line_at(text, mark.line);
  auto at = static_cast<std::size_t>(std::max(mark.column - 1, 0));
  if (mark.line < 1 || at >= line.size() || line[at] == '|' || line[at] == '>') return mark;
  const char quote = line[at] == '"' || line[at] == '\'' ? line[at] : '\0';
  if (quote != '\0') ++at;
  for (; index > 0 && at < line.size(); --index) at += width_at(line.substr(at), quote);
  if (index > 0) return mark;
  return {mark.line, static_cast<int>(at) + 1};
}

gear::Option keys_options() {
  return {.name = "keys",
          .type = gear::OptionType::kMap,
          .summary =
              "where the deployment's keys come from; without it out of the file `token.key` beside the "
              "certificates, or in the data directory",
          .items = {
              {.name = "command",
               .type = gear::OptionType::kTexts,
               .summary = "program and arguments, run once at the start and without a shell; it prints what "
                          "the file would hold",
               .required = true},
              {.name = "timeout",
               .type = gear::OptionType::kDuration,
               .summary = "after which it is killed, and the rack does not start",
               .fallback = "10s",
               .minimum = 100,
               .maximum = 300'000}}};
}

gear::Option sanitize_options() {
  return {
      .name = "sanitize",
      .type = gear::OptionType::kMap,
      .summary = "what else is taken out of records, beside card data",
      .items = {
          {.name = "rules",
           .type = gear::OptionType::kMaps,
           .summary = "patterns of [your own](#rules-of-your-own), after all that is built in",
           .required = true,
           .items = {
               {.name = "name",
                .type = gear::OptionType::kText,
                .summary = "of the rule: [a-z0-9_-], at most 32",
                .required = true},
               {.name = "pattern",
                .type = gear::OptionType::kText,
                .summary = "what is looked for, a regular expression; without it: the whole value of its "
                           "fields"},
               {.name = "fields",
                .type = gear::OptionType::kTexts,
                .summary =
                    "names of attributes, `name` for those of spans, `tracestate`; `*` at the end for any "
                    "rest; without it: all"},
               {.name = "action",
                .type = gear::OptionType::kChoice,
                .summary = "mask: a hit becomes stars; token: its token; drop: the whole value "
                           "is not recorded",
                .required = true,
                .choices = {"mask", "token", "drop"}}}}}};
}

sanitize::KeyCommand key_command_of(const gear::Settings& keys, std::vector<yaml::Complaint>& complaints) {
  sanitize::KeyCommand command{keys.texts("command"), keys.duration("timeout")};
  if (command.words.empty() || command.words.front().empty())
    complaints.push_back({keys.mark("command"), 1, "keys: the command has no words",
                          "a list, such as [/usr/local/bin/fluxrig-keys, production]"});
  return command;
}

std::vector<UserRule> read_rules(const gear::Settings& sanitizing, std::string_view text,
                                 std::vector<yaml::Complaint>& complaints) {
  std::vector<UserRule> rules;
  const auto& read = sanitizing.maps("rules");
  if (read.size() > sanitize::kMostUserRules) {
    complaints.push_back({sanitizing.mark("rules"), 1,
                          fmt::format("sanitize.rules: more than {} rules", sanitize::kMostUserRules), ""});
    return rules;
  }
  const auto before = complaints.size();
  for (const auto& rule : read) {
    check_names(rule, rules, complaints);
    if (rule.has("pattern") && rule.text("pattern").empty())
      complaints.push_back({rule.mark("pattern"), 1,
                            fmt::format("sanitize.rules: the pattern of rule '{}' is empty",
                                        sanitize::excerpt(rule.text("name"), kMostShown)),
                            "leave it out for the whole value of the rule's fields"});
    rules.push_back({rule.text("name"), rule.has("pattern") ? rule.text("pattern") : std::string(),
                     rule.has("fields") ? rule.texts("fields") : std::vector<std::string>{},
                     action_of(rule.text("action"))});
  }
  if (complaints.size() != before || rules.empty()) return rules;
  // One mistake after another, each rule by itself; then what they make together.
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto alone = sanitize::UserRules::compile({rules[i]});
    if (!alone && alone.error().of_all) {
      complaints.push_back({sanitizing.mark("rules"), 1, sentence_of(alone.error().why), ""});
      return rules;
    }
    if (!alone) complain(alone.error(), read[i], text, complaints);
  }
  if (complaints.size() != before) return rules;
  if (const auto all = sanitize::UserRules::compile(rules); !all)
    complaints.push_back(
        {sanitizing.mark("rules"), 1, "sanitize.rules: " + sentence_of(all.error().why), ""});
  return rules;
}

}  // namespace fluxrig::rack
