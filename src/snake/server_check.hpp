// What a server is worth as a place for accepted messages, asked at the mixer's start: its version, whether
// it syncs before it acknowledges, its limits, the settings of the streams. Blocking; one thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.hpp"
#include "base/result.hpp"
#include "snake/server_config.hpp"
#include "snake/streams.hpp"

namespace fluxrig::snake {

// The line that a server sends to whoever connects.
struct ServerInfo {
  ServerVersion version;
  bool jetstream = false;
  std::uint64_t max_payload = 0;
};
// "INFO {...}": outside bytes; nullopt for anything else.
[[nodiscard]] std::optional<ServerInfo> parse_server_info(std::string_view line);
// `address` is "nats://host:port"; one that wants TLS before it says a word is not understood.
[[nodiscard]] Outcome<ServerInfo> ask_server_info(const std::string& address,
                                                  std::chrono::milliseconds timeout);

enum class ServerOwner : std::uint8_t { kMixer, kForeign };
// What a power loss may cost with a server of this version; empty: nothing to say. `ours` servers get
// sync_interval where they have it.
[[nodiscard]] std::string durability_warning(ServerVersion version, ServerOwner owner);
// Every setting of the streams that is not as it must be and cannot be changed: what, what it costs, what to
// do. Call it after StreamAdmin::ensure_streams.
[[nodiscard]] std::vector<std::string> stream_faults(NatsBus& bus);

// All of it, as lines. A server that is too old or without JetStream is a problem.
[[nodiscard]] Outcome<void> check_server(NatsBus& bus, const std::string& address, ServerOwner owner,
                                         const StreamSizes& sizes, Diagnostics& diagnostics);

}  // namespace fluxrig::snake
