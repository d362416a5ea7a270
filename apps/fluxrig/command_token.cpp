// fluxrig token: a card number on standard input becomes its token, so that what was stored about a card can
// be found although no store ever held its number.
#include <fcntl.h>
#include <fmt/core.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "fluxrig/api_client.hpp"
#include "fluxrig/command.hpp"
#include "fluxrig/decider.hpp"
#include "fluxrig/key_source.hpp"
#include "fluxrig/terminal.hpp"
#include "sanitize/sanitizer.hpp"

namespace fluxrig::client {
namespace {

constexpr std::size_t kMostInput = 64;

constexpr const char* kFooter = R"(Examples:
  fluxrig token --key pki/token.key --reason "INC-42"          then type the number, and Enter
  fluxrig token --key-command "vault kv get -field=keys secret/fluxrig" --audit uses.audit --reason "INC-42"
  fluxrig query "SELECT * FROM transactions WHERE attributes['iso8583.2'] = 'tok_k1_...'"

The number is read from standard input only: on a command line it would stand in the list of processes and in the
shell's history. Each use is a line in FILE.audit beside the key, or in the file of --audit, and a row of operator_actions at the mixer: when, who,
why, and the token, never the number; without both no token is shown. --local does without the mixer, where there is
none. During a rotation's overlap both tokens are printed, the one in use first.
Exit codes: 0 done, 1 it failed, 2 the command line or the number is wrong.)";

struct TokenOptions {
  KeySource keys;
  std::string audit_file;
  std::string reason;
  MixerOptions mixer;
  bool local = false;
};

int failed(const std::string& sentence, int code = kExitFailure) {
  fmt::print(stderr, "fluxrig token: {}\n", printable(sentence));
  return code;
}

// The first line, bounded; wiped by its owner.
std::string read_number() {
  std::string line(kMostInput, '\0');
  std::size_t size = 0;
  while (size < line.size()) {
    const auto got = ::read(STDIN_FILENO, line.data() + size, 1);
    if (got <= 0 || line[size] == '\n') break;
    ++size;
  }
  std::memset(line.data() + size, 0, line.size() - size);
  line.resize(size);
  return line;
}

bool is_number(std::string_view text) {
  std::size_t digits = 0;
  for (const char c : text) {
    if (sanitize::is_digit(c))
      ++digits;
    else if (c != ' ' && c != '-' && c != '\r')
      return false;
  }
  return digits >= sanitize::kLeastCardDigits && digits <= sanitize::kMostCardDigits;
}

// Stored by the mixer before the token is shown. The number is not sent.
Outcome<void> audit_at_mixer(const TokenOptions& options, std::string_view token) {
  const auto client = ApiClient::make(options.mixer);
  if (!client) return tl::unexpected(client.error());
  const auto reply =
      client->call({.path = "/api/v1/audit/token-uses",
                    .json = fmt::format(R"({{"token":"{}","who":"{}","reason":"{}"}})", token,
                                        escape_json(sanitize::mask_card_numbers(who_is_asking({}))),
                                        escape_json(sanitize::mask_card_numbers(options.reason)))});
  if (!reply) return tl::unexpected(reply.error());
  if (reply->status != 200) return problem(describe_failure(client->url(), *reply));
  return {};
}

// Appended and on disk before the token is shown.
Outcome<void> audit(const TokenOptions& options, std::string_view token) {
  const std::string& path = options.audit_file;
  const SystemClock clock;
  const std::string line =
      fmt::format(R"({{"time":"{}","who":"{}","reason":"{}","token":"{}"}})"
                  "\n",
                  to_rfc3339(clock.now()), escape_json(sanitize::mask_card_numbers(who_is_asking({}))),
                  escape_json(sanitize::mask_card_numbers(options.reason)), token);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const bool written = fd >= 0 &&
                       ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
                       ::fsync(fd) == 0;
  const int cause = errno;
  if (fd >= 0) ::close(fd);
  if (!written)
    return problem(fmt::format("cannot write '{}', so no token is made: {}", path, std::strerror(cause)));
  return {};
}

int run(TokenOptions options) {
  auto keys = load_keys(options.keys);
  if (!keys) return failed(keys.error().message);
  if (options.audit_file.empty() && options.keys.file.empty())
    return failed("there is no key file to record this use beside: name a file with --audit", kExitUsage);
  if (options.audit_file.empty()) options.audit_file = options.keys.file + ".audit";
  if (::isatty(STDIN_FILENO) != 0)
    fmt::print(stderr, "the number, then Enter. This use is recorded in {}\n", printable(options.audit_file));
  auto number = read_number();
  if (!is_number(number)) {
    ::OPENSSL_cleanse(number.data(), number.size());
    return failed("standard input holds no number of 12 to 19 digits, blanks and hyphens", kExitUsage);
  }
  sanitize::Sanitizer sanitizer(*std::move(keys));
  const auto token = sanitizer.token(number);
  const auto before = sanitizer.previous_token(number);
  ::OPENSSL_cleanse(number.data(), number.size());
  if (!token) return failed("no token can be made of this");
  if (auto kept = audit(options, *token); !kept) return failed(kept.error().message);
  if (!options.local)
    if (auto kept = audit_at_mixer(options, *token); !kept)
      return failed(kept.error().message +
                    "; the mixer must record the use, so no token is shown (--local: there is none)");
  fmt::print(stderr,
             "warning: whoever has the key can find out the number of a token; this use is recorded\n");
  fmt::print("{}\n", *token);
  if (before) fmt::print("{}\n", before->text());
  return kExitOk;
}

}  // namespace

void add_token_command(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("token", "The token of a card number on standard input");
  const auto options = std::make_shared<TokenOptions>();  // the parser and the action both need it
  command->add_option("--key", options->keys.file, "the deployment's key file, token.key")->type_name("FILE");
  add_key_command_option(*command, options->keys);
  command
      ->add_option("--audit", options->audit_file,
                   "where uses are recorded; by default the key file's name and .audit")
      ->type_name("FILE");
  command->add_option("--reason", options->reason, "why; recorded")->required()->type_name("TEXT");
  add_mixer_options(*command, options->mixer);
  command->add_flag("--local", options->local, "record the use beside the key only: there is no mixer");
  command->footer(kFooter);
  command->callback([&action, options] { action = [options] { return run(*options); }; });
}

}  // namespace fluxrig::client
