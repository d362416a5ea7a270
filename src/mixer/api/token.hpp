// The bearer tokens of the API and of the receiver: 256 random bits, in a file of mode 0600 that is made at
// the first start. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fluxrig::mixer {

struct ApiToken {
  std::string text;
  bool created = false;  // just now
};

// Reads the file, or makes it. The problem names the file and the next step: an unreadable file, one that
// others may read, or an empty one.
[[nodiscard]] Outcome<ApiToken> load_or_create_token(const std::string& file);

// Whether an Authorization header carries the token; the time taken does not depend on how much of it is
// right.
[[nodiscard]] bool authorizes(std::string_view header, std::string_view token);

}  // namespace fluxrig::mixer
