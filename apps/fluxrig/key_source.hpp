// Where a command of the client finds the deployment's keys: in a file, or as the output of a command of the
// operator's, for those who keep them in a vault. One thread.
#pragma once

#include <string>

#include "base/result.hpp"
#include "sanitize/token_key.hpp"

namespace CLI {
class App;
}

namespace fluxrig::client {

struct KeySource {
  std::string file;
  std::string command;  // words, with blanks between; no shell reads them
};

// Adds --key-command; that one of the two is given is checked by load_keys.
void add_key_command_option(CLI::App& command, KeySource& source);
// As the rack does it: sanitize::load_token_keys or sanitize::token_keys_from.
[[nodiscard]] Outcome<sanitize::TokenKeys> load_keys(const KeySource& source);

}  // namespace fluxrig::client
