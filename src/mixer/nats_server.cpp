#include "mixer/nats_server.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace fluxrig::mixer {
namespace {

// Streams, their indexes, and room for what the server keeps beside them.
std::uint64_t store_bytes(const Config::Streams& streams) {
  const std::uint64_t total =
      streams.messages_bytes + streams.audit_bytes + streams.telemetry_bytes + streams.dead_letters_bytes;
  return total + total / 4 + (64ULL << 20);
}

// A server that reads half a file refuses to start: so beside, then in place.
Outcome<void> replace_text(const std::string& path, const std::string& text) {
  const std::string partial = path + ".tmp";
  std::FILE* file = std::fopen(partial.c_str(), "we");
  if (file == nullptr)
    return problem(fmt::format("{}: cannot be written: {}", partial, std::strerror(errno)));
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size() &&
                       std::fflush(file) == 0 && ::fsync(::fileno(file)) == 0;
  const bool closed = std::fclose(file) == 0;
  if (!written || !closed || std::rename(partial.c_str(), path.c_str()) != 0)
    return problem(fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
  return {};
}

}  // namespace

Outcome<snake::CertificateFiles> certificate_of(const std::string& pki, const snake::CertificateIndex& index,
                                                snake::CertificateRole role) {
  for (auto entry = index.entries.rbegin(); entry != index.entries.rend(); ++entry)
    if (entry->role == role)
      return snake::CertificateFiles{pki + "/ca.crt", pki + "/" + entry->name + ".crt",
                                     pki + "/" + entry->name + ".key"};
  return problem(
      fmt::format("{}/index.yaml: no certificate of role '{}' was issued; run: fluxrig pki issue (--help "
                  "shows how)",
                  pki, snake::to_string(role)));
}

Outcome<std::unique_ptr<NatsServer>> NatsServer::start(const Config& config,
                                                       const snake::CertificateIndex& index,
                                                       Diagnostics& diagnostics) {
  const auto version = snake::server_version(config.nats_binary);
  if (!version) return tl::unexpected(version.error());
  const auto files = certificate_of(config.pki_directory(), index, snake::CertificateRole::kServer);
  if (!files) return tl::unexpected(files.error());

  const std::string directory = std::filesystem::absolute(config.data + "/nats").string();
  std::error_code failed;
  std::filesystem::create_directories(directory + "/store", failed);
  if (failed) return problem(fmt::format("{}: cannot be made: {}", directory, failed.message()));

  std::unique_ptr<NatsServer> server(new NatsServer);
  server->version_ = *version;
  server->index_ = index;
  server->grants_file_ = directory + "/grants";
  server->config_file_ = directory + "/server.conf";
  auto grants = snake::MessageGrants::load(server->grants_file_);
  if (!grants) return tl::unexpected(grants.error());
  server->grants_ = std::move(*grants);

  auto& settings = server->settings_;
  settings.host = config.listen_nats.host;
  settings.port = config.listen_nats.port;
  if (settings.port == 0) {
    const auto port = snake::free_port();
    if (!port) return tl::unexpected(port.error());
    settings.port = *port;
  }
  settings.certificate_authority = std::filesystem::absolute(files->authority).string();
  settings.certificate = std::filesystem::absolute(files->certificate).string();
  settings.key = std::filesystem::absolute(files->key).string();
  settings.store_directory = directory + "/store";
  settings.log_file = directory + "/server.log";
  const auto bytes = snake::bounded_store_bytes(settings.store_directory, store_bytes(config.streams));
  if (!bytes) return tl::unexpected(bytes.error());
  settings.max_file_bytes = *bytes;
  if (const auto written = server->write_config(); !written) return tl::unexpected(written.error());

  snake::ServerProcessOptions options;
  options.executable = config.nats_binary;
  options.config_file = server->config_file_;
  const bool everywhere = settings.host == "0.0.0.0" || settings.host == "::";
  options.host = everywhere ? "127.0.0.1" : settings.host;
  options.port = settings.port;
  options.store_directory = settings.store_directory;
  options.log_file = settings.log_file;
  auto process = snake::ServerProcess::start(options, diagnostics);
  if (!process) return tl::unexpected(process.error());
  server->process_ = std::move(*process);
  const bool six = options.host.find(':') != std::string::npos;
  server->address_ =
      fmt::format("nats://{}{}{}:{}", six ? "[" : "", options.host, six ? "]" : "", settings.port);
  return server;
}

Outcome<void> NatsServer::write_config() {
  const auto text = snake::render_server_config(settings_, index_, grants_, version_);
  if (!text) return tl::unexpected(text.error());
  return replace_text(config_file_, *text);
}

Outcome<void> NatsServer::renew() {
  if (auto written = write_config(); !written) return written;
  return process_->reload();
}

Outcome<void> NatsServer::reload(const snake::CertificateIndex& index) {
  const std::lock_guard lock(mutex_);
  index_ = index;
  return renew();
}

Outcome<void> NatsServer::grant(const std::string& rack, const std::string& gear) {
  const std::lock_guard lock(mutex_);
  const auto added = grants_.add(rack, gear);
  if (!added) return problem(fmt::format("gear '{}' of rack '{}': {}", gear, rack, to_string(added.error())));
  if (!*added) return {};
  if (auto saved = grants_.save(grants_file_); !saved) return saved;
  return renew();
}

}  // namespace fluxrig::mixer
