// What overwriting a message at its end costs: an ISO 8583 request with 20 fields, made and dropped, beside
// the same without it.
#include "gear/message.hpp"

#include <benchmark/benchmark.h>

namespace {

using fluxrig::gear::Message;

constexpr int kFields = 20;
constexpr std::size_t kPayload = 300;
const std::string kValue = "000000001050";

void wiped(benchmark::State& state) {
  for (auto _ : state) {
    Message message;
    message.payload.assign(kPayload, 'x');
    message.fields.reserve(kFields);
    for (int i = 0; i < kFields; ++i) message.fields.append("4", kValue);
    message.wipe();
    benchmark::DoNotOptimize(message);
  }
}
BENCHMARK(wiped);

void only_freed(benchmark::State& state) {
  for (auto _ : state) {
    std::string payload(kPayload, 'x');
    std::vector<std::pair<std::string, std::string>> fields;
    fields.reserve(kFields);
    for (int i = 0; i < kFields; ++i) fields.emplace_back("4", kValue);
    benchmark::DoNotOptimize(payload);
    benchmark::DoNotOptimize(fields);
  }
}
BENCHMARK(only_freed);

}  // namespace
