// Intents without outcome: the transactions that had left, or were about to leave, when their rack died. From
// a rack's audit directory (read only; the rack may be running) or from the mixer's answer, which has the
// same form. One thread.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "fluxrig/terminal.hpp"
#include "wal/disk.hpp"

namespace fluxrig::client {

// More open intents than this at one time are refused (kOversize): they are all that is held in memory.
inline constexpr std::size_t kMostOpenIntents = 1'000'000;

struct DoubtScan {
  std::string json;  // {"doubt":[...]}, as docs/openapi.yaml has it
  // Places passed over, each named on `complaints`; outcomes may be among them.
  std::uint64_t damages = 0;
};
// `directory` is the audit lane's. `running`: the newest epoch goes on; what is open in it is in flight, and
// listed only when `all`.
struct DoubtRequest {
  std::string directory;
  bool running = false;
  bool all = false;
};
[[nodiscard]] Result<DoubtScan> scan_doubt(wal::Disk& disk, const DoubtRequest& request,
                                           std::FILE* complaints);

// True while a rack holds the lock of this directory.
[[nodiscard]] bool is_in_use(const std::string& directory);

struct DoubtView {
  std::string text;
  std::uint64_t unsettled = 0;  // listed, and not merely in flight
};
// Hostile JSON in, harmless text out.
[[nodiscard]] Outcome<DoubtView> draw_doubt(std::string_view json, const Terminal& terminal);

}  // namespace fluxrig::client
