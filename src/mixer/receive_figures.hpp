// What the receiver of services' spans did, for /api/v1/status and /metrics. Values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace fluxrig::mixer {

// Why a request was refused as a whole; the sender drops it or sends it again, as its status says.
enum class ReceiveRefusal : std::uint8_t {
  kUnauthorized,  // 401
  kNotFound,      // 404, 405
  kUnsupported,   // 415
  kMalformed,     // 400, 431
  kOversize,      // 413
  kPressure,      // 503, by the mixer's level
  kBusy,          // 503, too many wait
  kStore,         // 503, the store refused, or took too long
};
inline constexpr std::array<std::string_view, 8> kReceiveRefusalNames{
    "unauthorized", "not_found", "unsupported", "malformed", "oversize", "pressure", "busy", "store"};

struct ReceiveFigures {
  std::uint64_t requests = 0;                                        // that were taken
  std::uint64_t stored = 0;                                          // spans
  std::uint64_t duplicates = 0;                                      // spans that were stored before
  std::uint64_t rejected = 0;                                        // spans that cannot be stored
  std::array<std::uint64_t, kReceiveRefusalNames.size()> refused{};  // requests
};

}  // namespace fluxrig::mixer
