// How to reach the snake, and what is counted about it. Values; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace fluxrig::snake {

enum class ConnectionState : std::uint8_t { kConnected, kDisconnected, kClosed };

struct NatsOptions {
  std::vector<std::string> servers;   // "nats://mixer.example:4222"; TLS always, whatever the scheme
  std::string certificate_authority;  // PEM files; all three are needed, plaintext is not offered
  std::string certificate;
  std::string key;
  std::string name;   // shown in the server's monitoring
  std::string inbox;  // the machine_id of a rack, "mixer" for a mixer: replies arrive under _INBOX_<inbox>

  // True: a rack starts without its mixer, and connects when it comes.
  bool retry_first_connect = true;
  // The client library gives a connection up when the server refuses its certificate twice. True: another is
  // opened, again and again, with certificates read anew and the subscriptions made again.
  bool reopen_when_refused = false;
  std::chrono::milliseconds first_reopen_wait{5'000};
  std::chrono::milliseconds longest_reopen_wait{60'000};
  std::chrono::milliseconds connect_timeout{2000};
  std::chrono::milliseconds reconnect_wait{250};
  std::chrono::milliseconds publish_timeout{5000};
  std::size_t max_in_flight = 4096;  // publishes without an acknowledgement
  std::size_t max_in_flight_bytes = 64U << 20;
  int max_pending_deliveries = 65536;  // for each subscription; beyond it deliveries are dropped and counted
  int max_pending_delivery_bytes = 64 << 20;
  // True: one thread calls the handlers of all subscriptions of all connections of the process, instead of a
  // thread each. For a rack, whose handlers only pass on what they get.
  bool one_delivery_thread = false;

  // On a thread of the client; must not block. kClosed comes once, and nothing after it: the bus was
  // destroyed, or, without `reopen_when_refused`, the server refused the certificate twice in a row.
  std::function<void(ConnectionState)> on_state;
};

struct NatsCounters {
  std::uint64_t published = 0;     // handed over to the connection, stream publishes only
  std::uint64_t acknowledged = 0;  // by the stream
  std::uint64_t duplicates = 0;    // acknowledged, but known already by their message id
  std::uint64_t refused = 0;       // answered with an error by the server, or not permitted
  std::uint64_t timed_out = 0;
  std::uint64_t lost_connection = 0;  // in flight when the connection ended
  std::uint64_t late_answers = 0;     // came after their publish was given up
  std::uint64_t deliveries = 0;
  std::uint64_t slow_subscriptions = 0;  // a subscription overran its bounds and began to drop
  std::uint64_t connects = 0;
  std::uint64_t disconnects = 0;
};

}  // namespace fluxrig::snake
