#include "fluxrig/explain.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <boost/json.hpp>

#include "sanitize/emv.hpp"
#include "sanitize/json_text.hpp"
#include "sanitize/policy.hpp"
#include "sanitize/sanitizer.hpp"

namespace fluxrig::client {
namespace {

constexpr std::size_t kShownBefore = 6;
constexpr std::size_t kShownAfter = 4;

// [first, end) of changed bytes, with what the mask leaves between them counted as one place.
std::vector<std::pair<std::size_t, std::size_t>> changes(std::string_view before, std::string_view after) {
  std::vector<std::pair<std::size_t, std::size_t>> found;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] == after[i]) continue;
    if (!found.empty() && i - found.back().second <= 3)
      found.back().second = i + 1;
    else
      found.emplace_back(i, i + 1);
  }
  return found;
}

std::string token_sample(std::string_view) { return "tok_<key id>_<32 letters>"; }

// What the users' rules do to a text that all else has left so.
std::optional<ExplainedHit> ruled(const ExplainRules& users, std::string_view field,
                                  const std::string& text) {
  if (users.rules == nullptr) return std::nullopt;
  const auto result = users.rules->apply(field, text, token_sample);
  if (result.strictest == sanitize::Action::kKeep) return std::nullopt;
  std::string names = result.rules.size() == 1 ? "rule" : "rules";
  for (const auto rule : result.rules) names.append(" ").append(users.rules->rules()[rule].name);
  const auto shown = result.text ? sanitize::mask_card_numbers(*result.text) : "-";
  return ExplainedHit{"", std::move(names), std::string(sanitize::to_string(result.strictest)), shown};
}

class JsonWalk {
 public:
  explicit JsonWalk(const ExplainRules& users) noexcept : users_(users) {}
  void value(const boost::json::value& value, const std::string& path) {
    if (const auto* object = value.if_object(); object != nullptr) {
      for (const auto& [key, member] : *object) {
        const std::string name(key);
        this->value(member, path.empty() ? name : fmt::format("{}.{}", path, name));
      }
    } else if (const auto* array = value.if_array(); array != nullptr) {
      for (const auto& item : *array) this->value(item, path);
    } else if (!value.is_null()) {
      leaf(value, path);
    }
  }
  [[nodiscard]] std::vector<ExplainedHit> hits() && { return std::move(hits_); }

 private:
  void leaf(const boost::json::value& value, const std::string& path) {
    const std::string text =
        value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value);
    const auto action = sanitize::json_action(path);
    const auto where = sanitize::mask_card_numbers(path);
    if (action == sanitize::Action::kToken)
      return hits_.push_back({where, "name", "token", "tok_<key id>_<32 letters>"});
    if (action == sanitize::Action::kDrop) return hits_.push_back({where, "name", "drop", "-"});
    const auto left = action == sanitize::Action::kMask ? sanitize::mask(text) : text;
    const auto searched = sanitize::mask_card_numbers(left);
    if (searched != text)
      hits_.push_back({where, action == sanitize::Action::kMask ? "name" : "search", "mask", searched});
    if (auto hit = ruled(users_, path, searched)) {
      hit->where = where;
      hits_.push_back(*std::move(hit));
    }
  }

  const ExplainRules& users_;
  std::vector<ExplainedHit> hits_;
};

}  // namespace

std::vector<ExplainedHit> explain_text(std::string_view text, const ExplainRules& users) {
  const auto after = sanitize::mask_card_numbers(text);
  std::vector<ExplainedHit> hits;
  for (const auto& [first, end] : changes(text, after)) {
    const auto from = first - std::min(first, kShownBefore);
    hits.push_back({fmt::format("byte {}", first), "search", "mask",
                    after.substr(from, std::min(end + kShownAfter, after.size()) - from)});
  }
  if (auto hit = ruled(users, users.field, after)) {
    const auto differs = std::mismatch(after.begin(), after.end(), hit->left.begin(), hit->left.end()).first;
    const auto first = static_cast<std::size_t>(differs - after.begin());
    hit->where = fmt::format("from byte {}", first);
    if (hit->action != "drop") hit->left.erase(0, first - std::min(first, kShownBefore));
    hits.push_back(*std::move(hit));
  }
  return hits;
}

std::optional<std::vector<ExplainedHit>> explain_json(std::string_view text, const ExplainRules& users) {
  // Judged by the sanitiser's own reader first: what it refuses is not shown at all.
  const auto keep = [](sanitize::Action, std::string_view) { return std::optional<std::string>(""); };
  if (!sanitize::clean_json(text, {}, keep)) return std::nullopt;
  boost::json::error_code broken;
  const auto root = boost::json::parse(text, broken);
  if (broken) return std::nullopt;
  JsonWalk walk(users);
  walk.value(root, "");
  return std::move(walk).hits();
}

std::optional<std::vector<ExplainedHit>> explain_emv(ByteView bytes) {
  const auto fields = sanitize::read_emv(bytes);
  if (!fields) return std::nullopt;
  std::vector<ExplainedHit> hits;
  for (const auto& field : *fields)
    hits.push_back({fmt::format("tag {:X}", field.tag), "allow list",
                    std::string(sanitize::to_string(field.action)),
                    field.action <= sanitize::Action::kKeep
                        ? sanitize::mask_card_numbers(to_hex(field.value))
                        : (field.action == sanitize::Action::kToken ? "tok_<key id>_<32 letters>" : "-")});
  return hits;
}

}  // namespace fluxrig::client
