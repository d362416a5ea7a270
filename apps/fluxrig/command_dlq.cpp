// fluxrig dlq: messages between racks that no gear could handle, at the mixer.
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <memory>

#include "fluxrig/api_client.hpp"
#include "fluxrig/command.hpp"
#include "fluxrig/decider.hpp"
#include "fluxrig/table.hpp"
#include "fluxrig/terminal.hpp"

namespace fluxrig::client {
namespace {

constexpr const char* kFooter = R"(Examples:
  fluxrig dlq ls                              all of them, the oldest first
  fluxrig dlq ls --consumer host__from-edge --json
  fluxrig dlq show 7
  fluxrig dlq retry 7                         to the gear that gave it up; gone from here once the stream has it
  fluxrig dlq retry --all --consumer host__from-edge
  fluxrig dlq drop 7
  fluxrig dlq drop --all --yes

A message becomes a dead letter when its gear says that it is malformed or not acceptable, or after the fifth
delivery. Payloads are not shown: they are business data. Both retry and drop are written to the mixer's log and
kept in its store, with who and why: fluxrig query "SELECT * FROM operator_actions".
Exit codes: 0 done, 1 it failed, in part or whole, 2 the command line is wrong.)";

constexpr std::size_t kMostLetters = 100'000;

struct DlqOptions {
  MixerOptions mixer;
  std::string consumer;
  std::vector<std::uint64_t> sequences;
  bool all = false;
  bool yes = false;
  bool json = false;
  Decider decider;
};

namespace json = boost::json;

std::string text_of(const json::object& letter, std::string_view name) {
  const auto* value = letter.if_contains(name);
  if (value == nullptr || value->is_null()) return "";
  if (const auto* text = value->if_string()) return printable(std::string(*text));
  return json::serialize(*value);
}

std::uint64_t sequence_of(const json::object& letter) {
  const auto* value = letter.if_contains("sequence");
  if (value == nullptr) return 0;
  return value->is_int64() ? static_cast<std::uint64_t>(value->get_int64())
                           : (value->is_uint64() ? value->get_uint64() : 0);
}

Outcome<json::object> ask(const ApiClient& client, const ApiRequest& request) {
  const auto reply = client.call(request);
  if (!reply) return tl::unexpected(reply.error());
  if (reply->status != 200) return problem(describe_failure(client.url(), *reply));
  json::error_code broken;
  auto value = json::parse(reply->body, broken);
  if (broken || !value.is_object()) return problem(client.url() + ": the answer is no JSON object");
  return std::move(value.get_object());
}

// All letters, page by page.
Outcome<std::vector<json::object>> letters_of(const ApiClient& client, const std::string& consumer) {
  std::vector<json::object> letters;
  std::string after;
  while (letters.size() < kMostLetters) {
    auto path = "/api/v1/dead-letters?limit=500" + after;
    if (!consumer.empty()) path += "&consumer=" + percent_encoded(consumer);
    auto page = ask(client, {.path = path});
    if (!page) return tl::unexpected(page.error());
    const auto* list = page->if_contains("dead_letters");
    if (list == nullptr || !list->is_array())
      return problem(client.url() + ": the answer has no dead letters");
    for (auto& entry : list->get_array())
      if (entry.is_object()) letters.push_back(entry.get_object());
    const auto* next = page->if_contains("next_after");
    if (next == nullptr || next->is_null()) break;
    after = "&after=" + json::serialize(*next);
  }
  return letters;
}

int failed(const char* command, const std::string& cause) {
  fmt::print(stderr, "fluxrig dlq {}: {}\n", command, cause);
  return kExitFailure;
}

int list(const DlqOptions& options) {
  const auto client = ApiClient::make(options.mixer);
  if (!client) return failed("ls", client.error().message);
  const auto letters = letters_of(*client, options.consumer);
  if (!letters) return failed("ls", letters.error().message);
  if (options.json) {
    for (const auto& letter : *letters) fmt::print("{}\n", json::serialize(letter));
    return kExitOk;
  }
  if (letters->empty()) {
    fmt::print("no dead letters\n");
    return kExitOk;
  }
  fmt::print("{:>8}  {:<24}  {:<32}  {:<14}  {:>5}  {:>8}  {}\n", "NUMBER", "SINCE", "CONSUMER", "REASON",
             "TRIES", "BYTES", "FLUX ID");
  for (const auto& letter : *letters)
    fmt::print("{:>8}  {:<24}  {:<32}  {:<14}  {:>5}  {:>8}  {}\n", text_of(letter, "sequence"),
               text_of(letter, "time").substr(0, 23) + "Z", text_of(letter, "consumer"),
               text_of(letter, "reason"), text_of(letter, "deliveries"), text_of(letter, "payload_bytes"),
               text_of(letter, "flux_id"));
  return kExitOk;
}

int show(const DlqOptions& options) {
  const auto client = ApiClient::make(options.mixer);
  if (!client) return failed("show", client.error().message);
  const auto letter =
      ask(*client, {.path = fmt::format("/api/v1/dead-letters/{}", options.sequences.front())});
  if (!letter) return failed("show", letter.error().message);
  if (options.json) {
    fmt::print("{}\n", json::serialize(*letter));
    return kExitOk;
  }
  for (const auto& member : *letter)
    fmt::print("{:<16} {}\n", std::string(member.key()), text_of(*letter, member.key()));
  return kExitOk;
}

// False: the person at the terminal said no, or there is none and --yes is missing.
bool confirmed(const DlqOptions& options, std::size_t count) {
  if (options.yes) return true;
  if (::isatty(STDIN_FILENO) != 1) {
    fmt::print(stderr, "fluxrig dlq drop: {} dead letters would be gone for good; say --yes\n", count);
    return false;
  }
  fmt::print(stderr, "Drop {} dead letters for good? [y/N] ", count);
  const int answer = std::getchar();
  return answer == 'y' || answer == 'Y';
}

int change(const DlqOptions& options, bool drop) {
  const char* name = drop ? "drop" : "retry";
  if (options.all == !options.sequences.empty()) {
    fmt::print(stderr, "fluxrig dlq {}: give the numbers of dead letters, or --all\n", name);
    return kExitUsage;
  }
  const auto client = ApiClient::make(options.mixer);
  if (!client) return failed(name, client.error().message);
  auto sequences = options.sequences;
  if (options.all) {
    const auto letters = letters_of(*client, options.consumer);
    if (!letters) return failed(name, letters.error().message);
    for (const auto& letter : *letters) sequences.push_back(sequence_of(letter));
    if (drop && !sequences.empty() && !confirmed(options, sequences.size())) return kExitUsage;
  }
  std::size_t done = 0;
  for (const auto sequence : sequences) {
    ApiRequest request{.path = fmt::format("/api/v1/dead-letters/{}{}?{}", sequence, drop ? "" : "/retry",
                                           as_query(options.decider))};
    if (drop)
      request.remove = true;
    else
      request.json = "{}";
    const auto letter = ask(*client, request);
    if (!letter) {
      (void)failed(name, fmt::format("{}: {}", sequence, letter.error().message));
      continue;
    }
    ++done;
    if (options.json) fmt::print("{}\n", json::serialize(*letter));
  }
  if (!options.json) fmt::print("{} of {} {}\n", done, sequences.size(), drop ? "dropped" : "sent again");
  return done == sequences.size() ? kExitOk : kExitFailure;
}

void add_change(CLI::App& dlq, Action& action, bool drop) {
  auto* command = dlq.add_subcommand(drop ? "drop" : "retry", drop ? "Remove dead letters for good"
                                                                   : "Send dead letters to their gear again");
  const auto options = std::make_shared<DlqOptions>();
  add_mixer_options(*command, options->mixer);
  command->add_option("NUMBER", options->sequences, "as 'dlq ls' shows it");
  command->add_flag("--all", options->all, "all that 'dlq ls' shows");
  command->add_option("--consumer", options->consumer, "with --all: only of this <rack>__<gear>")
      ->type_name("NAME");
  if (drop) command->add_flag("--yes", options->yes, "do not ask");
  command->add_flag("--json", options->json, "one JSON object a line");
  add_decider_options(*command, options->decider);
  command->footer(kFooter);
  command->callback(
      [&action, options, drop] { action = [options, drop] { return change(*options, drop); }; });
}

}  // namespace

void add_dlq_commands(CLI::App& app, Action& action) {
  auto* dlq = app.add_subcommand("dlq", "Dead letters: messages between racks that no gear could handle");
  dlq->require_subcommand(1);
  dlq->footer(kFooter);

  auto* ls = dlq->add_subcommand("ls", "List them");
  const auto listed = std::make_shared<DlqOptions>();  // the parser and the action both need it
  add_mixer_options(*ls, listed->mixer);
  ls->add_option("--consumer", listed->consumer, "only of this <rack>__<gear>")->type_name("NAME");
  ls->add_flag("--json", listed->json, "one JSON object a line");
  ls->footer(kFooter);
  ls->callback([&action, listed] { action = [listed] { return list(*listed); }; });

  auto* look = dlq->add_subcommand("show", "One of them, without its payload");
  const auto shown = std::make_shared<DlqOptions>();
  add_mixer_options(*look, shown->mixer);
  look->add_option("NUMBER", shown->sequences, "as 'dlq ls' shows it")->required()->expected(1);
  look->add_flag("--json", shown->json, "as JSON");
  look->footer(kFooter);
  look->callback([&action, shown] { action = [shown] { return show(*shown); }; });

  add_change(*dlq, action, false);
  add_change(*dlq, action, true);
}

}  // namespace fluxrig::client
