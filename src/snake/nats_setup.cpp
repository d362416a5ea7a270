#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "snake/nats_core.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::snake {

namespace {

constexpr std::int64_t kPingMillis = 5000;  // a frozen server is noticed after two of them
constexpr int kPingsOut = 2;
constexpr std::int64_t kReconnectJitterMillis = 250;
constexpr std::int64_t kWriteDeadlineMillis = 10'000;

Outcome<void> check_paths(const NatsOptions& options) {
  if (options.servers.empty()) return problem("no server address is given for the snake");
  if (options.inbox.empty()) return problem("no inbox name is given for the snake");
  const std::pair<const char*, const std::string*> files[] = {{"authority", &options.certificate_authority},
                                                              {"certificate", &options.certificate},
                                                              {"key", &options.key}};
  for (const auto& [what, path] : files) {
    if (path->empty())
      return problem(
          fmt::format("the snake needs a {} file: plaintext is refused; make one with 'fluxrig pki'", what));
    if (access(path->c_str(), R_OK) != 0)
      return problem(fmt::format(
          "cannot read the {} file '{}': {}; make one with 'fluxrig pki', or check who may read it", what,
          *path, std::strerror(errno)));
  }
  return {};
}

}  // namespace

Outcome<OptionsHandle> NatsBus::Core::make_options(bool retry) {
  if (auto checked = check_paths(options_); !checked) return problem(checked.error().message);
  natsOptions* raw = nullptr;
  auto status = natsOptions_Create(&raw);
  OptionsHandle handle(raw);
  std::vector<const char*> servers;
  for (const auto& server : options_.servers) servers.push_back(server.c_str());
  const auto then = [&status](natsStatus next) {
    if (status == NATS_OK) status = next;
  };
  if (status != NATS_OK) return problem("cannot prepare the connection: out of memory");
  then(natsOptions_SetServers(raw, servers.data(), static_cast<int>(servers.size())));
  if (status != NATS_OK)
    return problem(
        fmt::format("'{}' is no server address; write nats://host:port", options_.servers.front()));
  then(natsOptions_SetSecure(raw, true));
  then(natsOptions_LoadCATrustedCertificates(raw, options_.certificate_authority.c_str()));
  if (status != NATS_OK)
    return problem(fmt::format("'{}' holds no usable certificate of an authority (PEM)",
                               options_.certificate_authority));
  then(natsOptions_LoadCertificatesChain(raw, options_.certificate.c_str(), options_.key.c_str()));
  if (status != NATS_OK)
    return problem(
        fmt::format("'{}' and '{}' are no certificate with its key (PEM): garbage, or the key of another "
                    "certificate; issue them again with 'fluxrig pki issue'",
                    options_.certificate, options_.key));
  then(natsOptions_SetCustomInboxPrefix(raw, inbox_prefix(options_.inbox).c_str()));
  if (!options_.name.empty()) then(natsOptions_SetName(raw, options_.name.c_str()));
  then(natsOptions_SetTimeout(raw, options_.connect_timeout.count()));
  then(natsOptions_SetPingInterval(raw, kPingMillis));
  then(natsOptions_SetMaxPingsOut(raw, kPingsOut));
  then(natsOptions_SetWriteDeadline(raw, kWriteDeadlineMillis));
  then(natsOptions_SetMaxReconnect(raw, -1));
  then(natsOptions_SetReconnectWait(raw, options_.reconnect_wait.count()));
  then(natsOptions_SetReconnectJitter(raw, kReconnectJitterMillis, kReconnectJitterMillis));
  // Nothing may be held where it is not seen: a publish while disconnected fails at once.
  then(natsOptions_SetReconnectBufSize(raw, 0));
  then(natsOptions_SetFailRequestsOnDisconnect(raw, true));
  then(natsOptions_UseGlobalMessageDelivery(raw, options_.one_delivery_thread));
  then(natsOptions_SetErrorHandler(
      raw,
      [](natsConnection*, natsSubscription*, natsStatus error, void* self) {
        static_cast<Core*>(self)->on_error(error);
      },
      this));
  then(natsOptions_SetDisconnectedCB(
      raw, [](natsConnection*, void* self) { static_cast<Core*>(self)->on_disconnected(); }, this));
  then(natsOptions_SetReconnectedCB(
      raw, [](natsConnection*, void* self) { static_cast<Core*>(self)->on_connected(); }, this));
  then(natsOptions_SetClosedCB(
      raw, [](natsConnection*, void* self) { static_cast<Core*>(self)->on_closed(); }, this));
  then(natsOptions_SetRetryOnFailedConnect(
      raw, retry, [](natsConnection*, void* self) { static_cast<Core*>(self)->on_connected(); }, this));
  if (status != NATS_OK)
    return problem(fmt::format("cannot prepare the connection: {}", natsStatus_GetText(status)));
  return handle;
}

}  // namespace fluxrig::snake
