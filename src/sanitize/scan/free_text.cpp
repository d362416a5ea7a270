#include "sanitize/scan/free_text.hpp"

#include <limits>

#include "sanitize/build.hpp"
#include "sanitize/scan/text_pass.hpp"

namespace fluxrig::sanitize {
namespace {

constexpr std::size_t kLeastText = 6;  // twelve packed digits

void overwrite_all(std::span<char> text) noexcept {
  for (char& c : text)
    if (c != ' ' && c != '\n') c = '*';
}

}  // namespace

Findings clean_text(std::span<char> text, Search search) {
  Findings findings;
  if (!kSanitises || text.size() < kLeastText) return findings;
  if (text.size() > std::numeric_limits<std::uint32_t>::max()) {
    overwrite_all(text);
    ++findings.encoded;
    return findings;
  }
  Suspects suspects;
  for (unsigned pass = 0; pass < kMostPasses; ++pass) {
    find_suspects({text.data(), text.size()},
                  search == Search::kScalar ? Instructions::kScalar : Instructions::kFastest, suspects);
    if (search == Search::kEverywhere) suspect_everything({text.data(), text.size()}, suspects);
    const bool nothing = suspects.runs.empty() && suspects.triggers.empty();
    if (nothing && !suspects.control && !suspects.high && search != Search::kEverywhere) return findings;
    // The four last digits of a masked number may begin another one with what follows: on a second look no
    // digit of a find stays, so that the third finds nothing new.
    if (!TextPass(text, suspects, {search == Search::kEverywhere, pass == 0}, findings).run())
      return findings;
  }
  overwrite_all(text);
  return findings;
}

}  // namespace fluxrig::sanitize
