// How each stream of a deployment is to be, and how one that is there differs from that. Private to
// streams.cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "snake/nats_native.hpp"
#include "snake/streams.hpp"

namespace fluxrig::snake {

struct StreamPlan {
  std::string_view name;  // of a literal: ends with a zero
  std::vector<const char*> subjects;
  std::int64_t bytes;
  jsDiscardPolicy discard;
  std::chrono::nanoseconds age;  // 0: for ever
};

[[nodiscard]] std::vector<StreamPlan> stream_plans(const StreamSizes& sizes);
// Views into the plan, which outlives it.
[[nodiscard]] jsStreamConfig to_config(StreamPlan& plan, const StreamSizes& sizes);
// In everything that a plan says.
[[nodiscard]] bool is_as_planned(const jsStreamConfig& existing, const jsStreamConfig& planned);
// What cannot be changed stays (server_check.hpp names it), and an operator's replicas are not taken away.
void keep_fixed(jsStreamConfig& planned, const jsStreamConfig& existing);

}  // namespace fluxrig::snake
