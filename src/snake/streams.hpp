// The mixer's side of JetStream: the streams, the racks' consumers, their fill, and the removal of what every
// consumer has acknowledged. Blocking; one thread, not a bus callback. The bus must be a mixer's: racks may
// do none of this.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "snake/nats_bus.hpp"

namespace fluxrig::snake {

struct StreamSizes {
  std::int64_t message_bytes = 2LL << 30;
  std::int64_t audit_bytes = 2LL << 30;
  std::int64_t telemetry_bytes = 1LL << 30;
  std::int64_t dead_letter_bytes = 256LL << 20;
  std::int64_t advisory_bytes = 16LL << 20;
  std::chrono::hours message_age{24};  // an unacknowledged message is lost after it: racks alarm before
  std::chrono::hours dead_letter_age{24 * 30};
  std::chrono::seconds duplicate_window{120};
  int replicas = 1;
};

struct StreamFill {
  std::string name;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::int64_t max_bytes = 0;
  UnixNanos oldest{};  // when the server took the first of the messages; 0: there is none
  [[nodiscard]] double ratio() const noexcept {
    return max_bytes <= 0 ? 0.0 : static_cast<double>(bytes) / static_cast<double>(max_bytes);
  }
};

struct ConsumerRequest {
  std::string rack;
  MachineId machine;
  std::string gear;
  std::string filter;  // flux.msg.<rack>.<gear>.<port>, wildcards allowed
  int max_deliver = 5;
  std::chrono::milliseconds acknowledge_wait{10'000};
  std::int64_t max_unacknowledged = 1024;
};

class StreamAdmin {
 public:
  explicit StreamAdmin(NatsBus& bus) noexcept : bus_(bus) {}

  // Makes each stream, or changes the one that differs.
  [[nodiscard]] Outcome<void> ensure_streams(const StreamSizes& sizes);
  // The same again, for a server that lost its store. Returns how many streams were missing.
  [[nodiscard]] Outcome<std::size_t> restore_streams();
  // The durable push consumer of a gear, delivering to deliver_subject(machine, gear). A change of filter or
  // delivery updates it where the server can; else it is made anew, from the first message it has not
  // acknowledged.
  [[nodiscard]] Outcome<void> ensure_consumer(const ConsumerRequest& request);
  [[nodiscard]] Outcome<void> remove_consumer(std::string_view rack, std::string_view gear);
  [[nodiscard]] Outcome<std::vector<StreamFill>> fill();

  // Purges from FLUX_MSG, FLUX_AUDIT and FLUX_TELEMETRY what every consumer that can see it had acknowledged
  // at the time of the previous call, so that a dead letter can still be fetched. Subjects without a consumer
  // stay until their age. Returns how many consumers were looked at.
  [[nodiscard]] Outcome<std::size_t> trim_acknowledged();
  // FLUX_AUDIT and FLUX_TELEMETRY alone: nothing in them becomes a dead letter, so it may be called often.
  [[nodiscard]] Outcome<std::size_t> trim_stored();

 private:
  using Floors = std::map<std::string, std::uint64_t>;  // by filter
  [[nodiscard]] Outcome<std::size_t> trim(std::string_view name);

  NatsBus& bus_;
  StreamSizes sizes_;                     // of the last ensure_streams
  std::size_t made_ = 0;                  // streams, by all of them
  std::map<std::string, Floors> floors_;  // by stream, as of the previous trim
};

}  // namespace fluxrig::snake
