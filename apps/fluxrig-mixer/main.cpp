// fluxrig-mixer: reads the configuration, builds the mixer, waits for signals, takes it down again.
#include <fmt/core.h>
#include <pthread.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/core_dumps.hpp"
#include "base/diagnostics.hpp"
#include "mixer/mixer.hpp"
#include "mixer/version.hpp"
#include "sanitize/build.hpp"
#include "sanitize/sanitizer.hpp"

namespace {

constexpr int kSuccess = 0;
constexpr int kRuntimeFailure = 1;
constexpr int kWrongConfiguration = 2;

constexpr const char* kFooter = R"(Examples:
  fluxrig-mixer --data /var/lib/fluxrig            all defaults, certificates in /var/lib/fluxrig/pki
  fluxrig-mixer --config mixer.yaml --check        is the configuration right, are the certificates valid?
  FLUXRIG_MIXER_LISTEN_API=0.0.0.0:7070 fluxrig-mixer --config mixer.yaml

Signals: SIGTERM and SIGINT store what was received, then end. SIGHUP reads the certificate index again.
Exit codes: 0 ended as told, 1 could not start or go on, 2 the configuration or the command line is wrong.)";

struct Arguments {
  std::string config;
  std::string data;
  bool check = false;
};

std::vector<std::string> environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

fluxrig::Outcome<fluxrig::mixer::Config> read_config(const Arguments& arguments) {
  const auto variables = environment();
  auto config = arguments.config.empty() ? fluxrig::mixer::parse_config("defaults", "", variables)
                                         : fluxrig::mixer::load_config(arguments.config, variables);
  if (config && !arguments.data.empty()) config->data = arguments.data;
  return config;
}

int run(const fluxrig::mixer::Config& config, const sigset_t& signals) {
  const fluxrig::SystemClock clock;
  fluxrig::Diagnostics diagnostics(clock, STDERR_FILENO, config.log_format, config.log_level,
                                   fluxrig::sanitize::mask_card_numbers);
  for (const auto& warning : config.warnings) diagnostics.warn("mixer", warning);
  auto mixer = fluxrig::mixer::Mixer::start(config, clock, diagnostics);
  if (!mixer) {
    diagnostics.error("mixer", mixer.error().message);
    return kRuntimeFailure;
  }
  const auto otlp = (*mixer)->otlp_address();
  fmt::print(stderr, "mixer ready: api {}, nats {},{} data {}\n", (*mixer)->api_address(),
             (*mixer)->nats_address(), otlp.empty() ? "" : fmt::format(" otlp {},", otlp), config.data);
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal != SIGHUP) break;
    if (const auto done = (*mixer)->reload(); !done)
      diagnostics.error("mixer", "the certificate index was not taken: " + done.error().message);
    else
      diagnostics.info("mixer", "the certificate index was read again");
  }
  diagnostics.info("mixer", "draining");
  mixer->reset();
  diagnostics.info("mixer", "ended");
  return kSuccess;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("The mixer of fluxrig: runs the bus, stores what racks send, and answers queries.",
               "fluxrig-mixer");
  app.set_version_flag("--version", "fluxrig-mixer " + std::string(fluxrig::mixer::kVersion));
  app.add_option("--config", arguments.config, "mixer.yaml; without it, defaults and the environment")
      ->type_name("FILE");
  app.add_option("--data", arguments.data, "directory of the store, the streams and the API token")
      ->type_name("DIR");
  app.add_flag("--check", arguments.check, "check configuration and certificates, start nothing");
  app.footer(kFooter);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kSuccess : kWrongConfiguration;
  }

  // Before any thread exists, so that all of them leave these signals to sigwait.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  fluxrig::forbid_core_dumps();
  const auto config = read_config(arguments);
  if (!config) {
    fmt::print(stderr, "{}", fluxrig::sanitize::mask_card_numbers(config.error().message));
    return kWrongConfiguration;
  }
  if (!fluxrig::sanitize::sanitises() && config->production) {
    fmt::print(
        stderr,
        "this is a build of the leak suite, whose sanitiser does nothing; it runs only under 'profile: "
        "development'\n");
    return kWrongConfiguration;
  }
  if (config->core_dumps) fluxrig::allow_core_dumps();
  if (!arguments.check) return run(*config, signals);
  for (const auto& warning : config->warnings) fmt::print(stderr, "warning: {}\n", warning);
  if (const auto checked = fluxrig::mixer::check(*config, fluxrig::SystemClock{}); !checked) {
    fmt::print(stderr, "{}\n", checked.error().message);
    return kWrongConfiguration;
  }
  fmt::print("the configuration is right; nothing was started\n");
  return kSuccess;
}
