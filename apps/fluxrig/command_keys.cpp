// fluxrig keys show|rotate|retire|destroy FILE: the deployment's key of tokens and of sealed messages.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "fluxrig/command.hpp"
#include "fluxrig/terminal.hpp"
#include "sanitize/token_key.hpp"

namespace fluxrig::client {
namespace {

constexpr const char* kFooter = R"(Examples:
  fluxrig keys show pki/token.key
  fluxrig keys rotate pki/token.key --id k2       then copy the file to every rack and restart them
  fluxrig keys retire pki/token.key               when nobody looks for tokens of the old key any more
  fluxrig keys destroy pki/token.key --id k2      of a deployment that has ended

'fluxrig pki init' makes the first key, k1. While a file holds two keys every record carries both tokens, the old one as
'<field>.previous'. Messages on the bus are sealed under keys derived from these: a rack opens those of both. Retire only
when no message sealed under the old key waits in a stream, a spool or among the dead letters.
Exit codes: 0 done, 1 it failed, 2 the command line is wrong.)";

struct KeyOptions {
  std::string file;
  std::string id;
};

int failed(const Problem& problem) {
  fmt::print(stderr, "fluxrig keys: {}\n", printable(problem.message));
  return kExitFailure;
}

int print(const Outcome<sanitize::TokenKeys>& keys) {
  if (!keys) return failed(keys.error());
  fmt::print("in use   {}\n", keys->current.id);
  if (keys->previous) fmt::print("before   {} (overlap)\n", keys->previous->id);
  return kExitOk;
}

int destroy(const KeyOptions& options) {
  const auto keys = sanitize::load_token_keys(options.file);
  if (!keys) return failed(keys.error());
  if (keys->current.id != options.id)
    return failed({fmt::format("the key in use is '{}', not '{}'; nothing was destroyed", keys->current.id,
                               options.id)});
  if (auto done = sanitize::destroy_token_keys(options.file); !done) return failed(done.error());
  fmt::print("{} is destroyed; destroy its copies on racks and in backups as well\n", options.id);
  return kExitOk;
}

}  // namespace

void add_keys_commands(CLI::App& app, Action& action) {
  auto* keys = app.add_subcommand("keys", "The key of tokens and of sealed messages");
  keys->require_subcommand(1);
  keys->footer(kFooter);
  const auto options = std::make_shared<KeyOptions>();  // the parser and the action both need it
  const auto add = [&](const char* name, const char* summary) {
    auto* command = keys->add_subcommand(name, summary);
    command->add_option("file", options->file, "the key file, token.key")->required()->type_name("FILE");
    return command;
  };
  add("show", "The ids of the keys in a file, never the keys")->callback([&action, options] {
    action = [options] { return print(sanitize::load_token_keys(options->file)); };
  });
  auto* rotate = add("rotate", "A new key is in use; the one before stays for an overlap");
  rotate->add_option("--id", options->id, "of the new key: 1 to 8 lower-case letters and digits")
      ->required()
      ->type_name("ID");
  rotate->callback([&action, options] {
    action = [options] { return print(sanitize::rotate_token_key(options->file, options->id)); };
  });
  add("retire", "Ends the overlap: the key before is gone")->callback([&action, options] {
    action = [options] { return print(sanitize::retire_token_key(options->file)); };
  });
  auto* destroyed = add("destroy", "Overwrites and removes the file");
  destroyed->add_option("--id", options->id, "of the key in use, so that it is not the wrong file")
      ->required()
      ->type_name("ID");
  destroyed->callback([&action, options] { action = [options] { return destroy(*options); }; });
}

}  // namespace fluxrig::client
