// What a message pays for the bus's stores holding none in clear: sealing it, and opening it, with what it is
// bound to.
#include "sanitize/seal.hpp"

#include <benchmark/benchmark.h>

#include "sanitize/sanitizer.hpp"

namespace {

using namespace fluxrig;
using namespace fluxrig::sanitize;

// As long as the three texts of a message's address.
const Bytes kBound(96, 'a');

TokenKeys key() {
  TokenKeys keys{{"k1", {}}};
  keys.current.bytes.fill(7);
  return keys;
}

void seal_message(benchmark::State& state) {
  MessageSeal seal(key());
  const Bytes message(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(seal.seal(message, kBound));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(seal_message)->Arg(256)->Arg(1024)->Arg(16 << 10)->Arg(256 << 10);

void open_message(benchmark::State& state) {
  MessageSeal seal(key());
  const auto sealed = seal.seal(Bytes(static_cast<std::size_t>(state.range(0)), 'x'), kBound);
  for (auto _ : state) benchmark::DoNotOptimize(seal.open(sealed, kBound));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(open_message)->Arg(256)->Arg(1024)->Arg(16 << 10)->Arg(256 << 10);

void seal_without_address(benchmark::State& state) {
  MessageSeal seal(key());
  const Bytes message(1024, 'x');
  for (auto _ : state) benchmark::DoNotOptimize(seal.seal(message));
}
BENCHMARK(seal_without_address);

void token_of_a_number(benchmark::State& state) {
  Sanitizer sanitizer(key());
  for (auto _ : state) benchmark::DoNotOptimize(sanitizer.token("4111111111111111"));
}
BENCHMARK(token_of_a_number);

}  // namespace
