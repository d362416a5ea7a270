// fluxrig load http|iso8583
#include <fmt/core.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <memory>

#include "base/clock.hpp"
#include "fluxrig/command.hpp"
#include "fluxrig/duration.hpp"
#include "fluxrig/files.hpp"
#include "fluxrig/load_engine.hpp"
#include "fluxrig/load_http.hpp"
#include "fluxrig/load_iso8583.hpp"

namespace fluxrig::client {
namespace {

constexpr const char* kFooter = R"(Examples:
  fluxrig load http http://127.0.0.1:8080/authorize --body-template body.json --rate 5000 --duration 20s
  fluxrig load http http://127.0.0.1:8080/authorize --body body.json --connections 8     as fast as it goes
  fluxrig load http http://127.0.0.1:8080/authorize --body-template body.json --traceparent --ledger ledger.tsv
  fluxrig load iso8583 127.0.0.1:8583 --spec iso8583-1987-ascii --framing length2 --rate 1000

A template may hold {{n}} {{stan}} {{rrn}} (the number of the request: plain, 6 and 12 digits), {{pan}} (a random
card number with a valid check digit), {{amount}} (1 to 50000) and {{uuid}}.
With --rate, requests are due at fixed times (open model) and latencies run from when a request was due; with
--rate 0 each connection sends again as soon as it is answered. Ctrl-C stops sending and prints the summary.
Exit codes: 0 all requests were answered well, 1 some were not (0 with --allow-errors) or the target is not there,
2 the command line is wrong.)";

constexpr std::size_t kMaxTemplateBytes = 1U << 20;

struct LoadOptions {
  std::string target;
  std::string method, body_file, template_file;
  std::vector<std::string> headers;
  std::string framing = "length2", spec = "iso8583-1987-ascii", terminal = "LOAD0001";
  unsigned connections = 32;
  unsigned in_flight = 1;
  double rate = 0;
  std::uint64_t requests = 0;
  std::string duration = "10s", timeout = "5s";
  std::string ledger;
  std::uint64_t seed = 0;
  bool traceparent = false;
  bool allow_errors = false;
  bool json = false;
  bool quiet = false;
};

std::atomic<bool> stop_requested{false};

// The second Ctrl-C ends the program: the handler is gone after the first.
void stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { stop_requested.store(true, std::memory_order_relaxed); };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int signal : {SIGINT, SIGTERM}) (void)::sigaction(signal, &action, nullptr);
}

std::int64_t cpu_nanos() {
  rusage usage{};
  (void)::getrusage(RUSAGE_SELF, &usage);
  const auto nanos = [](const timeval& time) { return time.tv_sec * kNanosPerSecond + time.tv_usec * 1000; };
  return nanos(usage.ru_utime) + nanos(usage.ru_stime);
}

Outcome<LoadPlan> plan_of(const LoadOptions& options) {
  const auto duration = parse_duration(options.duration);
  const auto timeout = parse_duration(options.timeout);
  if (!duration || *duration == 0)
    return problem(fmt::format("--duration {}: write 500ms, 20s, 1m", printable(options.duration)));
  if (!timeout || *timeout < kNanosPerMilli)
    return problem(fmt::format("--timeout {}: write 500ms, 20s, 1m", printable(options.timeout)));
  LoadPlan plan;
  plan.connections = options.connections;
  plan.in_flight = options.in_flight;
  plan.rate = options.rate;
  plan.requests = options.requests;
  plan.duration = *duration;
  plan.timeout = *timeout;
  return plan;
}

struct Target {
  std::string host;
  std::uint16_t port = 0;
};

int run_load(const LoadOptions& options, const LoadPlan& plan, LoadProtocol& protocol, const Target& target) {
  const SystemClock clock;
  std::unique_ptr<LoadLedger> ledger;
  if (!options.ledger.empty()) {
    auto opened = LoadLedger::open(options.ledger);
    if (!opened) return fmt::print(stderr, "fluxrig load: {}\n", opened.error().message), kExitUsage;
    ledger = *std::move(opened);
  }
  stop_on_signals();
  const auto address = find_listening(target.host, target.port, plan.timeout);
  if (!address) return fmt::print(stderr, "fluxrig load: {}\n", address.error().message), kExitFailure;
  LoadStatistics statistics;
  const auto progress = [&](std::int64_t elapsed) {
    if (!options.quiet) fmt::print(stderr, "{}", statistics.progress_line(elapsed));
  };
  const auto cpu_before = cpu_nanos();
  LoadEngine engine(plan, {protocol, statistics, clock, stop_requested, ledger.get(), progress}, *address);
  if (const auto ran = engine.run(); !ran) {
    fmt::print(stderr, "fluxrig load: {}\n", ran.error().message);
    return kExitFailure;
  }
  statistics.set_cpu(cpu_nanos() - cpu_before);
  const LoadStatistics::Run run{protocol.name(), options.target, plan.rate, plan.connections};
  fmt::print("{}",
             options.json ? statistics.summary_json(run) : statistics.summary(run, terminal_of(stdout)));
  if (ledger) {
    if (const auto finished = ledger->finish(); !finished) {
      fmt::print(stderr, "fluxrig load: {}\n", finished.error().message);
      return kExitFailure;
    }
  }
  return statistics.error_count() == 0 || options.allow_errors ? kExitOk : kExitFailure;
}

int wrong(const Problem& problem) {
  fmt::print(stderr, "fluxrig load: {}\n", problem.message);
  return kExitUsage;
}

SeededRandom random_of(const LoadOptions& options) {
  return options.seed == 0 ? SeededRandom::from_system() : SeededRandom(options.seed);
}

Outcome<std::optional<LoadTemplate>> body_of(const LoadOptions& options) {
  const auto& file = options.body_file.empty() ? options.template_file : options.body_file;
  if (file.empty()) return std::nullopt;
  auto text = read_file(file, kMaxTemplateBytes);
  if (!text) return tl::unexpected(text.error());
  if (file == options.body_file) return LoadTemplate::literal(*std::move(text));
  auto parsed = LoadTemplate::parse(*text);
  if (!parsed) return problem(fmt::format("{}: {}", printable(file), parsed.error().message));
  return *std::move(parsed);
}

int run_http(const LoadOptions& options) {
  auto target = parse_http_url(options.target);
  if (!target) return wrong(target.error());
  for (const auto& header : options.headers)
    if (const auto good = check_header(header); !good) return wrong(good.error());
  auto body = body_of(options);
  if (!body) return wrong(body.error());
  const auto plan = plan_of(options);
  if (!plan) return wrong(plan.error());
  const Target peer{target->host, target->port};
  auto random = random_of(options);
  const std::string method = !options.method.empty() ? options.method : *body ? "POST" : "GET";
  HttpLoad protocol({*std::move(target), method, options.headers, *std::move(body), options.traceparent},
                    random);
  return run_load(options, *plan, protocol, peer);
}

int run_iso8583(const LoadOptions& options) {
  // The URL's rules for host and port are these.
  const auto target = parse_http_url("http://" + options.target);
  if (!target || target->path != "/" || options.target.find_last_of(':') == std::string::npos)
    return wrong({fmt::format("'{}' is no HOST:PORT", printable(options.target))});
  const auto framing = gear::net::framing_of(options.framing);
  if (!framing) return wrong({"--framing is one of length2, length4, ascii4"});
  auto spec = gear::iso8583::load_specification(options.spec, ".");
  if (!spec) return wrong(spec.error());
  const auto plan = plan_of(options);
  if (!plan) return wrong(plan.error());
  const SystemClock clock;
  auto random = random_of(options);
  auto protocol = Iso8583Load::make({*framing, *std::move(spec), options.terminal}, clock, random);
  if (!protocol) return wrong(protocol.error());
  return run_load(options, *plan, **protocol, {target->host, target->port});
}

void add_common(CLI::App& command, LoadOptions& options) {
  command.add_option("--connections", options.connections, "connections, opened before the start")
      ->capture_default_str()
      ->check(CLI::Range(1U, LoadEngine::kMostConnections))
      ->type_name("N");
  command.add_option("--rate", options.rate, "requests a second in all; 0: as fast as they are answered")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e6))
      ->type_name("N");
  command.add_option("--duration", options.duration, "how long requests are sent")
      ->capture_default_str()
      ->type_name("TIME");
  command.add_option("--requests", options.requests, "stop after so many")->type_name("N");
  command.add_option("--timeout", options.timeout, "for the reply to one request")
      ->capture_default_str()
      ->type_name("TIME");
  command
      .add_option("--ledger", options.ledger,
                  "append flux-id, status, trace_id, time and latency of each reply to this file")
      ->type_name("FILE");
  command.add_option("--seed", options.seed, "make the same random values again")->type_name("N");
  command.add_flag("--allow-errors", options.allow_errors, "exit 0 although requests failed");
  command.add_flag("--json", options.json, "the summary as one JSON object");
  command.add_flag("--quiet", options.quiet, "no progress on stderr");
  command.footer(kFooter);
}

void add_http_options(CLI::App& command, LoadOptions& options) {
  command.add_option("url", options.target, "http://host:port/path")->required()->type_name("URL");
  command.add_option("--method", options.method, "POST with a body, else GET")
      ->check([](const std::string& text) {
        const bool good = !text.empty() && text.size() < 32 &&
                          text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos;
        return good ? std::string() : "a method is written in capital letters";
      })
      ->type_name("NAME");
  auto* body = command.add_option("--body", options.body_file, "send this file")->type_name("FILE");
  command.add_option("--body-template", options.template_file, "send this file with its {{...}} filled in")
      ->excludes(body)
      ->type_name("FILE");
  command.add_option("--header", options.headers, "'Name: value'; repeatable")->type_name("K:V");
  command.add_flag("--traceparent", options.traceparent,
                   "send a new, sampled W3C trace context with each request");
}

void add_iso8583_options(CLI::App& command, LoadOptions& options) {
  command.add_option("target", options.target, "where the rack listens")->required()->type_name("HOST:PORT");
  command.add_option("--framing", options.framing, "length2, length4 or ascii4")
      ->capture_default_str()
      ->type_name("NAME");
  command.add_option("--spec", options.spec, "a shipped specification, or a file")
      ->capture_default_str()
      ->type_name("NAME|FILE");
  command.add_option("--terminal", options.terminal, "element 41, 8 characters")
      ->capture_default_str()
      ->type_name("ID");
  command.add_option("--in-flight", options.in_flight, "unanswered requests on one connection at most")
      ->capture_default_str()
      ->check(CLI::Range(1U, 1000U))
      ->type_name("N");
}

}  // namespace

void add_load_commands(CLI::App& app, Action& action) {
  auto* load = app.add_subcommand("load", "Send traffic and measure how it is answered");
  load->require_subcommand(1);
  load->footer(kFooter);
  // Each its own, as defaults differ; the parser and the action both need them.
  const auto http_options = std::make_shared<LoadOptions>();
  auto* http = load->add_subcommand("http", "HTTP requests");
  add_http_options(*http, *http_options);
  add_common(*http, *http_options);
  http->callback([&action, http_options] { action = [http_options] { return run_http(*http_options); }; });

  const auto iso_options = std::make_shared<LoadOptions>();
  iso_options->connections = 4;
  iso_options->in_flight = 32;
  auto* iso = load->add_subcommand("iso8583", "ISO 8583 purchase requests (0200)");
  add_iso8583_options(*iso, *iso_options);
  add_common(*iso, *iso_options);
  iso->callback([&action, iso_options] { action = [iso_options] { return run_iso8583(*iso_options); }; });
}

}  // namespace fluxrig::client
