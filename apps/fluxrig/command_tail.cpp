// fluxrig tail: transactions as the mixer stores them, until Ctrl-C.
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <thread>

#include "base/clock.hpp"
#include "fluxrig/api_client.hpp"
#include "fluxrig/api_views.hpp"
#include "fluxrig/command.hpp"
#include "fluxrig/duration.hpp"

namespace fluxrig::client {
namespace {

constexpr const char* kFooter = R"(Examples:
  fluxrig tail
  fluxrig tail --rack edge --outcome failed
  fluxrig tail --min-duration 250ms --json | jq -r .flux_id

A connection that breaks is opened again; what happened in between is in 'fluxrig query'.
Exit codes: 0 --count transactions were shown, 1 the mixer cannot be asked, 2 the command line is wrong.)";

constexpr auto kFirstRetry = std::chrono::seconds(1);
constexpr auto kLongestRetry = std::chrono::seconds(10);

struct TailOptions {
  MixerOptions mixer;
  std::string rack, outcome, min_duration;
  std::uint64_t count = 0;
  bool json = false;
};

std::string path_of(const TailOptions& options, std::int64_t min_duration) {
  std::string query;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty())
      query += (query.empty() ? "?" : "&") + std::string(name) + "=" + percent_encoded(value);
  };
  add("rack", options.rack);
  add("outcome", options.outcome);
  if (min_duration > 0) add("min_duration_ms", std::to_string(min_duration / kNanosPerMilli));
  return "/api/v1/tail" + query;
}

// Prints lines as they come.
class Tail {
 public:
  explicit Tail(const TailOptions& options) : options_(options) {}

  // False: enough.
  bool take(std::string_view line) {
    heard_ = true;
    const auto text = draw_tail_line(line, terminal_);
    if (!text) return true;
    if (options_.json)
      fmt::print("{}\n", for_stream(std::string(line), is_terminal_));
    else
      fmt::print("{}\n", *text);
    std::fflush(stdout);
    return options_.count == 0 || ++shown_ < options_.count;
  }
  [[nodiscard]] bool done() const noexcept { return options_.count != 0 && shown_ >= options_.count; }
  [[nodiscard]] bool heard_since_asked() noexcept { return std::exchange(heard_, false); }

 private:
  const TailOptions& options_;
  Terminal terminal_ = terminal_of(stdout);
  bool is_terminal_ = ::isatty(STDOUT_FILENO) == 1;
  bool heard_ = false;
  std::uint64_t shown_ = 0;
};

int run_tail(const TailOptions& options) {
  std::int64_t min_duration = 0;
  if (!options.min_duration.empty()) {
    const auto parsed = parse_duration(options.min_duration);
    if (!parsed) {
      fmt::print(stderr, "fluxrig tail: --min-duration {}: write 250ms, 2s\n",
                 printable(options.min_duration));
      return kExitUsage;
    }
    min_duration = *parsed;
  }
  const auto client = ApiClient::make(options.mixer);
  if (!client) return fmt::print(stderr, "fluxrig tail: {}\n", client.error().message), kExitFailure;
  const ApiRequest request{path_of(options, min_duration), {}, "application/x-ndjson"};
  Tail tail(options);
  bool connected_before = false;
  std::chrono::seconds retry = kFirstRetry;
  for (;;) {
    const auto ended = client->lines(request, [&](std::string_view line) { return tail.take(line); });
    if (tail.done()) return kExitOk;
    if (tail.heard_since_asked()) {
      connected_before = true;
      retry = kFirstRetry;
    }
    const auto cause = ended ? client->url() + " closed the connection" : ended.error().message;
    if (!connected_before && !ended) return fmt::print(stderr, "fluxrig tail: {}\n", cause), kExitFailure;
    fmt::print(stderr, "fluxrig tail: {}; trying again in {} s\n", cause, retry.count());
    std::this_thread::sleep_for(retry);
    retry = std::min<std::chrono::seconds>(2 * retry, kLongestRetry);
  }
}

}  // namespace

void add_tail_command(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("tail", "Show transactions as they are stored");
  const auto options = std::make_shared<TailOptions>();  // the parser and the action both need it
  add_mixer_options(*command, options->mixer);
  command->add_option("--rack", options->rack, "only of this rack")->type_name("NAME");
  command->add_option("--outcome", options->outcome, "answered, failed, timed_out, refused or abandoned")
      ->check(CLI::IsMember({"answered", "failed", "timed_out", "refused", "abandoned"}))
      ->type_name("NAME");
  command->add_option("--min-duration", options->min_duration, "only those that took at least so long")
      ->type_name("TIME");
  command->add_option("--count", options->count, "end after so many")->type_name("N");
  command->add_flag("--json", options->json, "one JSON object a line, as the mixer sends them");
  command->footer(kFooter);
  command->callback([&action, options] { action = [options] { return run_tail(*options); }; });
}

}  // namespace fluxrig::client
