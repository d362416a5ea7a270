// /api/v1/dead-letters: list, look, try again, drop. Headers and sizes only: payloads never leave the bus.
#include <fmt/core.h>

#include <charconv>
#include <optional>

#include "mixer/api/api.hpp"
#include "sanitize/sanitizer.hpp"
#include "snake/dead_letter_box.hpp"
#include "trace/context.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::string_view kPath = "/api/v1/dead-letters";
constexpr std::size_t kDefaultPage = 100;
constexpr const char* kRetried = "dead_letter_retried";
constexpr const char* kDropped = "dead_letter_dropped";
// How long the answer to what is done already waits for the record of it.
constexpr std::chrono::milliseconds kPatience{5'000};

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Its sender wrote it, by hand maybe.
ReplyText searched_or_null(std::string_view text) {
  return text.empty() ? ReplyText("null") : ReplyText::format("\"{}\"", uuid(text));
}

ReplyText letter_json(const snake::DeadLetter& letter) {
  return ReplyText::format(
      R"({{"sequence":{},"time":"{}","consumer":{},"subject":{},"reason":{},"deliveries":{},)"
      R"("stream_sequence":{},"flux_id":{},"request":{},"traceparent":{},"content_type":{},"payload_bytes":{}}})",
      letter.sequence, id(letter.time), searched_or_null(letter.consumer), searched_or_null(letter.subject),
      searched_or_null(letter.reason), letter.deliveries, letter.stream_sequence,
      searched_or_null(letter.flux_id), searched_or_null(letter.request),
      searched_or_null(letter.traceparent), searched_or_null(letter.content_type), letter.payload_bytes);
}

ApiResponse failure(const Error& error) {
  if (error.code == ErrorCode::kNotFound)
    return problem_response(404, "there is no dead letter of this number (any more)");
  return problem_response(503, fmt::format("the bus could not do it: {}; try again", to_string(error)));
}

ApiResponse json(ReplyText body) {
  ApiResponse response;
  response.body = std::move(body);
  return response;
}

ApiResponse list(snake::DeadLetterBox& box, const ApiRequest& request) {
  std::uint64_t after = 0;
  std::uint64_t limit = kDefaultPage;
  std::string consumer;
  for (const auto& [name, value] : request.query) {
    const auto number = parse_number(value);
    if (name == "consumer") {
      consumer = value;
    } else if (name == "after" && number) {
      after = *number;
    } else if (name == "limit" && number && *number >= 1 && *number <= snake::DeadLetterBox::kMaxPage) {
      limit = *number;
    } else {
      return problem_response(
          400, fmt::format("dead-letters knows the parameters consumer, after and limit (1 to {})",
                           snake::DeadLetterBox::kMaxPage));
    }
  }
  const auto page = box.list(after, limit, consumer);
  if (!page) return failure(page.error());
  ReplyText body(R"({"dead_letters":[)");
  for (std::size_t i = 0; i < page->letters.size(); ++i) {
    body += comma(i != 0);
    body += letter_json(page->letters[i]);
  }
  body += ReplyText::format(
      R"(],"next_after":{}}})"
      "\n",
      page->next_after == 0 ? ReplyText("null") : ReplyText::format("{}", page->next_after));
  return json(std::move(body));
}

ApiResponse one(const Result<snake::DeadLetter>& letter) {
  if (!letter) return failure(letter.error());
  return json(ReplyText::format("{}\n", letter_json(*letter)));
}

// What an operator does to business messages is told in the log and kept in the store, with the ids by which
// it is found again. It is done by then: a store that does not take it is told of, and undoes nothing.
ApiResponse changed(const ApiParts& parts, Decision decision, const Result<snake::DeadLetter>& letter) {
  if (!letter) return failure(letter.error());
  const auto action = std::get<NoteAction>(decision.what).action;
  if (parts.diagnostics != nullptr)
    parts.diagnostics->warn(
        "mixer.api",
        fmt::format("a dead letter was {} by an operator", action == kRetried ? "tried again" : "dropped"),
        {{"who", decision.who},
         {"reason", decision.reason},
         {"sequence", std::to_string(letter->sequence)},
         {"consumer", letter->consumer},
         {"subject", letter->subject},
         {"flux_id", letter->flux_id}});
  decision.what = NoteAction{
      action, ReplyText::format(R"({{"sequence":{},"consumer":{},"subject":{},"flux_id":{}}})",
                                letter->sequence, searched_or_null(letter->consumer),
                                searched_or_null(letter->subject), searched_or_null(letter->flux_id))
                  .text()};
  const auto kept = parts.decisions == nullptr ? fail(ErrorCode::kUnavailable, "the store is not there yet")
                                               : parts.decisions->submit(std::move(decision), kPatience);
  if (!kept && parts.diagnostics != nullptr)
    parts.diagnostics->error("mixer.api", "what was done to a dead letter is not kept in the store",
                             {{"action", action}, {"why", to_string(kept.error())}});
  return one(letter);
}

// Who and why are parameters of both requests, because one of them has no body.
Outcome<Decision> decision_about(const ApiRequest& request, const char* action) {
  const auto reason = request.parameter("reason");
  auto decision = decision_of(request.parameter("who").value_or("not said"), reason.value_or("not said"));
  if (decision) decision->what = NoteAction{action, {}};
  return decision;
}

ApiResponse not_allowed(std::string_view allowed) {
  auto response = problem_response(405, fmt::format("use {}", allowed));
  response.headers.emplace_back("Allow", allowed);
  return response;
}

}  // namespace

bool is_dead_letters_path(std::string_view path) {
  return path.substr(0, kPath.size()) == kPath && (path.size() == kPath.size() || path[kPath.size()] == '/');
}

ApiResponse dead_letters_response(const ApiParts& parts, const ApiRequest& request) {
  auto* box = parts.dead_letters;
  if (box == nullptr) return problem_response(503, "the bus is not there yet; try again");
  const bool get = request.method == "GET" || request.method == "HEAD";
  auto rest = std::string_view(request.path).substr(kPath.size());
  if (rest.empty()) return get ? list(*box, request) : not_allowed("GET");
  rest.remove_prefix(1);
  const auto slash = rest.find('/');
  const auto sequence = parse_number(rest.substr(0, slash));
  if (!sequence || *sequence == 0)
    return problem_response(400, "a dead letter is named by its number, as dead-letters/7");
  if (slash != std::string_view::npos) {
    if (rest.substr(slash) != "/retry")
      return problem_response(404, "a dead letter has only 'retry' below it");
    if (request.method != "POST") return not_allowed("POST");
    auto decision = decision_about(request, kRetried);
    if (!decision) return problem_response(400, decision.error().message);
    return changed(parts, *std::move(decision), box->retry(*sequence));
  }
  if (get) return one(box->get(*sequence));
  if (request.method != "DELETE") return not_allowed("GET, DELETE");
  auto decision = decision_about(request, kDropped);
  if (!decision) return problem_response(400, decision.error().message);
  return changed(parts, *std::move(decision), box->drop(*sequence));
}

}  // namespace fluxrig::mixer
