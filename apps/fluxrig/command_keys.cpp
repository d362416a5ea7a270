// fluxrig keys create|show|rotate|retire|destroy: the deployment's key of tokens and of sealed messages, in a
// file or where a command finds it.
#include <fmt/core.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "fluxrig/command.hpp"
#include "fluxrig/key_source.hpp"
#include "fluxrig/terminal.hpp"
#include "sanitize/key_rotation.hpp"
#include "sanitize/token_key.hpp"

namespace fluxrig::client {
namespace {

constexpr const char* kFooter = R"(Examples:
  fluxrig keys show pki/token.key
  fluxrig keys rotate pki/token.key --id k2       then copy the file to every rack and restart them
  fluxrig keys retire pki/token.key               when nobody looks for tokens of the old key any more
  fluxrig keys destroy pki/token.key --id k2      of a deployment that has ended
  fluxrig keys create --id k1 | vault kv put secret/fluxrig keys=-
  fluxrig keys rotate --id k2 --key-command "vault kv get -field=keys secret/fluxrig" | vault kv put secret/fluxrig keys=-

'fluxrig pki init' makes the first key, k1, in a file. Without a file, create, rotate and retire print what the vault is to
keep, the keys themselves: into a pipe only, never onto a terminal. While a file holds two keys every record carries both tokens, the old one as
'<field>.previous'. Messages on the bus are sealed under keys derived from these: a rack opens those of both. Retire only
when no message sealed under the old key waits in a stream, a spool or among the dead letters.
Exit codes: 0 done, 1 it failed, 2 the command line is wrong.)";

struct KeyOptions {
  KeySource source;
  std::string id;
};

int failed(const Problem& problem) {
  fmt::print(stderr, "fluxrig keys: {}\n", printable(problem.message));
  return kExitFailure;
}

int print(const Outcome<sanitize::TokenKeys>& keys, std::FILE* to = stdout) {
  if (!keys) return failed(keys.error());
  fmt::print(to, "in use   {}\n", keys->current.id);
  if (keys->previous) fmt::print(to, "before   {} (overlap)\n", keys->previous->id);
  return kExitOk;
}

// The keys themselves, for whoever keeps them.
int hand_over(const Outcome<sanitize::TokenKeys>& keys) {
  if (!keys) return failed(keys.error());
  if (::isatty(STDOUT_FILENO) != 0)
    return failed({"standard output is a terminal, which is no place for keys; give it to what keeps them"});
  auto text = sanitize::to_text(*keys);
  const bool written = ::write(STDOUT_FILENO, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::OPENSSL_cleanse(text.data(), text.size());
  return written ? print(keys, stderr) : failed({"standard output does not take the keys"});
}

int create(const KeyOptions& options) {
  const auto key = options.source.file.empty() ? sanitize::new_token_key(options.id)
                                               : sanitize::create_token_key(options.source.file, options.id);
  if (!key) return failed(key.error());
  const sanitize::TokenKeys keys{*key};
  return options.source.file.empty() ? hand_over(keys) : print(keys);
}

// `change` of the keys that a command gives, as they are to be kept from now on.
template <typename Change>
int hand_over(const KeySource& source, Change&& change) {
  auto keys = load_keys(source);
  return keys ? hand_over(change(*std::move(keys))) : failed(keys.error());
}

int rotate(const KeyOptions& options) {
  if (!options.source.file.empty() && options.source.command.empty())
    return print(sanitize::rotate_token_key(options.source.file, options.id));
  return hand_over(options.source, [&](auto keys) { return sanitize::rotated(std::move(keys), options.id); });
}

int retire(const KeyOptions& options) {
  if (!options.source.file.empty() && options.source.command.empty())
    return print(sanitize::retire_token_key(options.source.file));
  return hand_over(options.source, [](auto keys) { return sanitize::retired(std::move(keys)); });
}

int destroy(const KeyOptions& options) {
  const auto keys = sanitize::load_token_keys(options.source.file);
  if (!keys) return failed(keys.error());
  if (keys->current.id != options.id)
    return failed({fmt::format("the key in use is '{}', not '{}'; nothing was destroyed", keys->current.id,
                               options.id)});
  if (auto done = sanitize::destroy_token_keys(options.source.file); !done) return failed(done.error());
  fmt::print("{} is destroyed; destroy its copies on racks and in backups as well\n", options.id);
  return kExitOk;
}

}  // namespace

void add_keys_commands(CLI::App& app, Action& action) {
  auto* keys = app.add_subcommand("keys", "The key of tokens and of sealed messages");
  keys->require_subcommand(1);
  keys->footer(kFooter);
  const auto options = std::make_shared<KeyOptions>();  // the parser and the action both need it
  const auto add = [&](const char* name, const char* summary, int (*run)(const KeyOptions&)) {
    auto* command = keys->add_subcommand(name, summary);
    command->add_option("file", options->source.file, "the key file, token.key")->type_name("FILE");
    command->callback([&action, options, run] { action = [options, run] { return run(*options); }; });
    return command;
  };
  const auto add_id = [&](CLI::App* command, const char* summary) {
    command->add_option("--id", options->id, summary)->required()->type_name("ID");
  };
  constexpr const char* kNewId = "of the new key: 1 to 8 lower-case letters and digits";
  add_id(add("create", "A first key: in a new file, or on standard output", create), kNewId);
  auto* show = add("show", "The ids of the keys, never the keys",
                   [](const KeyOptions& given) { return print(load_keys(given.source)); });
  add_key_command_option(*show, options->source);
  auto* rotated = add("rotate", "A new key is in use; the one before stays for an overlap", rotate);
  add_id(rotated, kNewId);
  add_key_command_option(*rotated, options->source);
  add_key_command_option(*add("retire", "Ends the overlap: the key before is gone", retire), options->source);
  add_id(add("destroy", "Overwrites and removes the file", destroy),
         "of the key in use, so that it is not the wrong file");
}

}  // namespace fluxrig::client
