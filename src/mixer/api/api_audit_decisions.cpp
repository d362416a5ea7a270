// What operators decide about alarms: that one is closed, that a rack's new key is its key from now on.
#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "base/bytes.hpp"
#include "mixer/api/api_audit.hpp"
#include "mixer/api/json_text.hpp"
#include "mixer/api/statement.hpp"
#include "sanitize/sanitizer.hpp"
#include "wal/control_body.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::string_view kPath = "/api/v1/audit/alarms/";
// More than the slowest commit takes; less than the client waits.
constexpr std::chrono::milliseconds kPatience{15'000};

ApiResponse failure(const Error& error) {
  if (error.code == ErrorCode::kNotFound)
    return problem_response(404, "no alarm of this number is open (any more)");
  return problem_response(503, fmt::format("the decision was not stored: {}; try again", to_string(error)));
}

std::optional<std::array<std::uint8_t, 32>> parse_key(std::string_view text) {
  const auto bytes = from_hex(text);
  std::array<std::uint8_t, 32> key{};
  if (!bytes || bytes->size() != key.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), key.begin());
  return key;
}

// The open alarms that a header with this key raised, of the machine of alarm `id`; from which epoch on.
Outcome<AcceptKey> alarms_about(const ApiParts& parts, std::uint64_t id, AcceptKey accepted) {
  Statement statement;
  const auto number = statement.bind(std::to_string(id));
  const auto table = parts.queries.select(
      fmt::format("SELECT a.id, a.epoch, CAST(a.machine_id AS VARCHAR), b.bytes FROM audit_alarms a JOIN "
                  "audit_blocks b ON b.machine_id = a.machine_id AND b.epoch = a.epoch AND b.first_seq = "
                  "a.first_seq AND b.kind = 'header' WHERE a.kind = 'key_changed' AND a.resolved_at IS NULL "
                  "AND a.machine_id = (SELECT machine_id FROM audit_alarms WHERE id = CAST({} AS UBIGINT)) "
                  "ORDER BY a.epoch",
                  number),
      statement.parameters(), sink::QueryLimits{});
  if (!table) return tl::unexpected(table.error());
  bool asked = false;
  for (const auto& row : table->rows) {
    const auto bytes = from_hex(row[3].value_or(""));
    const auto view = bytes ? model::decode_block(*bytes) : fail(ErrorCode::kInvalid, "no block");
    const auto header = view ? wal::decode_header_body(view->body) : fail(ErrorCode::kInvalid, "no block");
    if (!header || header->public_key != accepted.key) continue;
    const auto alarm = std::strtoull(row[0].value_or("0").c_str(), nullptr, 10);
    if (accepted.alarms.empty()) accepted.place = {view->head.machine_id, view->head.epoch};
    accepted.alarms.push_back(alarm);
    asked = asked || alarm == id;
  }
  if (!asked) accepted.alarms.clear();
  return accepted;
}

ApiResponse accept_key(const ApiParts& parts, const ApiRequest& request, std::uint64_t id,
                       Decision decision) {
  const auto key = parse_key(json_text_member(request.body, "public_key").value_or(""));
  if (!key) return problem_response(400, "'public_key' is not 64 hex digits");
  auto accepted = alarms_about(parts, id, {{}, *key, {}});
  if (!accepted) return problem_response(503, accepted.error().message);
  if (accepted->alarms.empty())
    return problem_response(409,
                            "no open key_changed alarm of this number tells of this key; its text names "
                            "the one that it does tell of");
  decision.what = *std::move(accepted);
  const auto done = parts.decisions->submit(std::move(decision), kPatience);
  if (!done) return failure(done.error());
  ApiResponse response;
  response.body = ReplyText::format("{{\"alarm\":{},\"public_key\":\"{}\"}}\n", id, hex(*key));
  return response;
}

}  // namespace

Outcome<Decision> decision_of(std::optional<std::string> who, std::optional<std::string> reason) {
  const auto readable = [](const std::optional<std::string>& text, std::size_t most) {
    return text && text->size() <= most && text->find_first_not_of(' ') != std::string::npos &&
           std::none_of(text->begin(), text->end(), [](char c) { return (c >= 0 && c < ' ') || c == 127; });
  };
  if (!readable(who, Decision::kMaxWhoBytes))
    return problem(fmt::format("'who' decides: a name of at most {} bytes", Decision::kMaxWhoBytes));
  if (!readable(reason, Decision::kMaxReasonBytes))
    return problem(fmt::format("give a 'reason' of at most {} bytes", Decision::kMaxReasonBytes));
  // What an operator types may hold anything, and it is stored.
  return Decision{sanitize::mask_card_numbers(*who), sanitize::mask_card_numbers(*reason), NoteAction{}};
}

bool is_alarm_decision(std::string_view path) {
  return path.substr(0, kPath.size()) == kPath && path.find('/', kPath.size()) != std::string_view::npos;
}

ApiResponse alarm_decision(const ApiParts& parts, const ApiRequest& request) {
  const auto rest = std::string_view(request.path).substr(kPath.size());
  const auto slash = rest.find('/');
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + slash, id);
  if (error != std::errc{} || end != rest.data() + slash)
    return problem_response(400, "an alarm is named by its number, as alarms/7/close");
  if (parts.decisions == nullptr) return problem_response(503, "the store is not there yet; try again");
  auto decision =
      decision_of(json_text_member(request.body, "who"), json_text_member(request.body, "reason"));
  if (!decision) return problem_response(400, decision.error().message);
  const auto what = rest.substr(slash);
  if (what == "/accept-key") return accept_key(parts, request, id, *std::move(decision));
  if (what != "/close") return problem_response(404, "an alarm has 'close' and 'accept-key' below it");
  decision->what = CloseAlarm{id};
  const auto done = parts.decisions->submit(*std::move(decision), kPatience);
  if (!done) return failure(done.error());
  ApiResponse response;
  response.body = ReplyText::format("{{\"alarm\":{}}}\n", id);
  return response;
}

}  // namespace fluxrig::mixer
