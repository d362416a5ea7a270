// The bus over NATS JetStream with mutual TLS. One connection, several servers, reconnects for ever. Owned by
// main; any thread, except that destruction must not happen inside one of its callbacks.
#pragma once

#include <memory>

#include "base/diagnostics.hpp"
#include "base/result.hpp"
#include "snake/bus.hpp"
#include "snake/nats_options.hpp"

namespace fluxrig::snake {

struct NatsNative;  // the client library's handles, for the admin side of this module (nats_native.hpp)

class NatsBus final : public Bus {
 public:
  class Core;  // shared with the library's callbacks, which can outlive this object for a moment

  explicit NatsBus(std::shared_ptr<Core> core);
  // Sends what was handed over (up to a second), answers every waiting publish with kUnavailable, closes, and
  // waits until no callback runs any more.
  ~NatsBus() override;
  NatsBus(const NatsBus&) = delete;
  NatsBus& operator=(const NatsBus&) = delete;

  [[nodiscard]] Result<void> publish_stream(Outgoing message, PublishDone done) override;
  [[nodiscard]] Result<void> publish(std::string_view subject, const sanitize::CleanBytes& payload) override;
  [[nodiscard]] Result<Bytes> request(std::string_view subject, const sanitize::CleanBytes& payload,
                                      std::chrono::milliseconds timeout) override;
  [[nodiscard]] Result<std::unique_ptr<Subscription>> subscribe(std::string_view subject,
                                                                DeliveryHandler handler) override;
  [[nodiscard]] Result<void> acknowledge(std::string_view reply) override;
  [[nodiscard]] Result<void> redeliver_after(std::string_view reply,
                                             std::chrono::milliseconds delay) override;
  [[nodiscard]] Result<void> terminate(std::string_view reply) override;
  [[nodiscard]] Result<void> in_progress(std::string_view reply) override;
  [[nodiscard]] bool connected() const noexcept override;
  [[nodiscard]] std::uint64_t session() const noexcept override;
  [[nodiscard]] std::size_t unacknowledged() const noexcept override;

  [[nodiscard]] NatsCounters counters() const noexcept;
  // Blocks until everything handed over has reached the server.
  [[nodiscard]] Result<void> flush(std::chrono::milliseconds timeout);
  // Of the first connection: not for a bus that opens others (NatsOptions::reopen_when_refused).
  [[nodiscard]] const NatsNative& native() const noexcept;

 private:
  // Acknowledgements are words of JetStream's protocol, and of no type.
  [[nodiscard]] Result<void> send(std::string_view subject, ByteView payload);
  std::shared_ptr<Core> core_;
};

// Fails when the certificates cannot be used, and, without `retry_first_connect`, when no server answers.
// With it, the reason of a failed first attempt is a warning in `diagnostics`. `diagnostics` must outlive the
// bus.
[[nodiscard]] Outcome<std::unique_ptr<NatsBus>> connect(NatsOptions options, Diagnostics& diagnostics);

}  // namespace fluxrig::snake
