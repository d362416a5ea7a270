// The deployment's keys from a command, for those who keep them in a vault and not in a file: what it prints
// is what the file would hold. Run once, at the start; any thread.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "sanitize/token_key.hpp"

namespace fluxrig::sanitize {

struct KeyCommand {
  std::vector<std::string>
      words;  // program (by its path, or found in PATH) and arguments; no shell reads them
  std::chrono::milliseconds timeout{10'000};
};

// Waits for its end. The problem says which program it was and how it ended, with the first line of its
// standard error: searched as all text, and without anything that could be a key. Its output is never shown,
// not even in part, and is wiped. After the timeout the command and its children are killed.
[[nodiscard]] Outcome<TokenKeys> token_keys_from(const KeyCommand& command);

}  // namespace fluxrig::sanitize
