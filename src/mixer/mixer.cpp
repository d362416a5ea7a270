#include "mixer/mixer.hpp"

#include <fmt/core.h>

#include <filesystem>
#include <utility>

#include "mixer/api/token.hpp"
#include "mixer/mixer_parts.hpp"
#include "mixer/parts_options.hpp"

namespace fluxrig::mixer {
namespace {

Outcome<void> make_directory(const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (failed)
    return problem(fmt::format("{}: cannot be made: {}; set 'data' to a directory that this user may write",
                               path, failed.message()));
  return {};
}

// A wildcard address is no place to point a browser at.
std::string shown_host(const std::string& host) {
  if (host == "0.0.0.0" || host == "::") return "127.0.0.1";
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

}  // namespace

Mixer::Mixer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Mixer::~Mixer() {
  // Ingest may wake the API's connections: it goes before them. `control` asks ingest for receipts: it stops
  // first; the API and the pressure thread may still read its fill: it is destroyed last.
  if (parts_->control) parts_->control->stop();
  parts_->ingest.reset();
  parts_->otlp_http.reset();  // whose workers wait for ingest
  parts_->decisions.close();
  parts_->http.reset();
  parts_->pressure.reset();
  parts_->control.reset();
}

Outcome<std::unique_ptr<Mixer>> Mixer::start(const Config& config, const Clock& clock,
                                             Diagnostics& diagnostics) {
  if (auto made = make_directory(config.data); !made) return tl::unexpected(made.error());
  // A certificate that is too old is named here; later it is only a handshake that fails.
  if (auto good = check(config, clock); !good) return tl::unexpected(good.error());
  // Owned by a Mixer from the beginning: a failed start ends what runs in the right order.
  std::unique_ptr<Mixer> mixer(new Mixer(std::make_unique<Parts>(config, clock, diagnostics)));
  auto& parts = *mixer->parts_;
  auto token = load_or_create_token(config.token_path());
  if (!token) return tl::unexpected(token.error());
  if (token->created)
    diagnostics.info("mixer.api", "a new API token was written", {{"file", config.token_path()}});
  parts.token = std::move(token->text);
  if (config.listen_otlp) parts.intake = std::make_unique<SpanIntake>(clock);
  for (const auto step : {&Parts::open_bus, &Parts::open_store, &Parts::start_export, &Parts::start_api,
                          &Parts::start_ingest, &Parts::start_control, &Parts::start_receiver})
    if (auto done = (parts.*step)(); !done) return tl::unexpected(done.error());
  return mixer;
}

Outcome<void> Mixer::reload() {
  const auto index = snake::load_index(parts_->config.pki_directory());
  if (!index) return tl::unexpected(index.error());
  if (parts_->server)
    if (auto done = parts_->server->reload(*index); !done) return done;
  parts_->racks.replace(racks_of(*index));
  return {};
}

std::string Mixer::api_address() const {
  return fmt::format("{}://{}:{}", parts_->config.tls_certificate.empty() ? "http" : "https",
                     shown_host(parts_->config.listen_api.host), parts_->http->port());
}

std::string Mixer::otlp_address() const {
  if (!parts_->otlp_http) return {};
  return fmt::format("{}://{}:{}", parts_->config.tls_certificate.empty() ? "http" : "https",
                     shown_host(parts_->config.listen_otlp->host), parts_->otlp_http->port());
}

std::string Mixer::nats_address() const {
  if (!parts_->server) return parts_->config.nats_address;
  return fmt::format("tls://{}:{}", shown_host(parts_->config.listen_nats.host), parts_->server->port());
}

Outcome<void> check(const Config& config, const Clock& clock) {
  const auto pki = config.pki_directory();
  const auto index = snake::load_index(pki);
  if (!index) return tl::unexpected(index.error());
  for (const auto role : {snake::CertificateRole::kMixer, snake::CertificateRole::kServer}) {
    if (role == snake::CertificateRole::kServer && !config.nats_address.empty()) continue;
    const auto files = certificate_of(pki, *index, role);
    if (!files) return tl::unexpected(files.error());
    if (const auto facts = snake::check_certificate(*files, clock.now()); !facts)
      return tl::unexpected(facts.error());
  }
  if (!config.nats_address.empty()) return {};
  if (const auto version = snake::server_version(config.nats_binary); !version)
    return tl::unexpected(version.error());
  return {};
}

}  // namespace fluxrig::mixer
