#include "fluxrig/key_source.hpp"

#include <CLI/CLI.hpp>
#include <sstream>

#include "sanitize/key_command.hpp"

namespace fluxrig::client {

void add_key_command_option(CLI::App& command, KeySource& source) {
  command
      .add_option(
          "--key-command", source.command,
          "prints the keys, instead of a file: words with blanks between, run without a shell, 10 s at most")
      ->type_name("WORDS");
}

Outcome<sanitize::TokenKeys> load_keys(const KeySource& source) {
  if (source.file.empty() == source.command.empty())
    return problem("give the key file or --key-command, one of the two");
  if (source.command.empty()) return sanitize::load_token_keys(source.file);
  sanitize::KeyCommand command;
  std::istringstream words(source.command);
  for (std::string word; words >> word;) command.words.push_back(word);
  return sanitize::token_keys_from(command);
}

}  // namespace fluxrig::client
