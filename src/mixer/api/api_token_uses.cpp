// POST /api/v1/audit/token-uses: that somebody made the token of a number ('fluxrig token'), with who and
// why. It is stored before the token is shown; the number never comes here.
#include <fmt/core.h>

#include <algorithm>

#include "mixer/api/api_audit.hpp"
#include "mixer/api/json_text.hpp"
#include "mixer/decision.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::chrono::milliseconds kPatience{15'000};
constexpr std::string_view kPrefix = "tok_";
constexpr std::size_t kLetters = 32;
constexpr std::size_t kMaxKeyId = 8;

// Nothing else may be stored under this name: tok_<key id>_<32 letters>.
bool is_token(std::string_view text) {
  if (!text.starts_with(kPrefix)) return false;
  text.remove_prefix(kPrefix.size());
  const auto line = text.find('_');
  if (line == 0 || line > kMaxKeyId || text.size() != line + 1 + kLetters) return false;
  const auto letters = text.substr(line + 1);
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(line),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }) &&
         std::all_of(letters.begin(), letters.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

}  // namespace

ApiResponse token_use(const ApiParts& parts, const ApiRequest& request) {
  const auto token = json_text_member(request.body, "token").value_or("");
  if (!is_token(token)) return problem_response(400, "'token' is no token: tok_<key id>_<32 letters>");
  auto decision =
      decision_of(json_text_member(request.body, "who"), json_text_member(request.body, "reason"));
  if (!decision) return problem_response(400, decision.error().message);
  if (parts.decisions == nullptr) return problem_response(503, "the store is not there yet; try again");
  if (parts.diagnostics != nullptr)
    parts.diagnostics->warn("mixer.api", "somebody made the token of a number",
                            {{"who", decision->who}, {"reason", decision->reason}, {"token", token}});
  decision->what = NoteAction{"token_made", fmt::format(R"({{"token":"{}"}})", token)};
  if (const auto kept = parts.decisions->submit(*std::move(decision), kPatience); !kept)
    return problem_response(503, fmt::format("it was not stored: {}; try again", to_string(kept.error())));
  ApiResponse response;
  response.body = ReplyText("{\"stored\":true}\n");
  return response;
}

}  // namespace fluxrig::mixer
