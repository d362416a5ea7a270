// The scanner over typical records, beside Vectorscan with patterns that find the same encodings (without
// issuer and check digit, which it cannot tell, and without packed digits, which as a pattern match every
// text).
#include "sanitize/scan/free_text.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <string>

#ifdef FLUXRIG_VECTORSCAN
#include <hs/hs.h>
#endif

namespace {

using namespace fluxrig::sanitize;

struct Sample {
  const char* name;
  std::string record;
};

const std::array<Sample, 5>& samples() {
  static const std::array<Sample, 5> kSamples = {{
      {"log line",
       "2026-11-22T18:04:33.123456789Z INFO  rack=edge-1 gear=acquirer "
       "trace=4bf92e577b34da6a3ce929d0e0e47361 "
       "span=00f067aa0ba902b7 transaction authorised: mti=0110 stan=004711 rrn=612318004711 amount=12.50 "
       "currency=978 response=00 duration_ms=1.841 terminal=TERM0001 merchant=MERCHANT0000001"},
      {"json record",
       R"({"time":"2026-11-22T18:04:33.123Z","level":"info","service":"checkout","message":"payment accepted",)"
       R"("http":{"method":"POST","path":"/v1/payments/7c9e6679-7425-40de-944b-e07fc1f90ae7","status":201,)"
       R"("user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0"},)"
       R"("amount":{"value":1250,"currency":"EUR"},"client":"203.0.113.77","order":"ORD-2026-00012345"})"},
      {"otlp json",
       R"({"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"authorise",)"
       R"("startTimeUnixNano":"1795371873123456789","endTimeUnixNano":"1795371873125297123","attributes":[)"
       R"({"key":"http.response.status_code","value":{"intValue":"200"}},{"key":"network.peer.port",)"
       R"("value":{"intValue":"5432"}},{"key":"messaging.destination.name","value":{"stringValue":"flux.out"}}]})"},
      {"prose",
       "The upstream authoriser answered after its deadline, and the reversal that had been queued meanwhile "
       "was "
       "sent at once; the store confirmed both in the order in which they were written, so nothing was lost. "
       "Operators need do nothing. If this repeats, look at the network between the rack and the "
       "authoriser."},
      {"with a number",
       "2026-11-22T18:04:33.123456789Z WARN  rack=edge-1 gear=legacy declined card 4111 1111 1111 1111 at "
       "terminal "
       "TERM0001: response=05 duration_ms=1.841"},
  }};
  return kSamples;
}

// Sixteen KiB of records: one call a batch, so that the caller's own cost does not count.
std::string batch(const std::string& record) {
  std::string out;
  while (out.size() < (16U << 10)) out += record + "\n";
  return out;
}

void report(benchmark::State& state, const Sample& sample, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(bytes));
  state.SetLabel(sample.name);
}

void scan(benchmark::State& state, Search search) {
  const auto& sample = samples()[static_cast<std::size_t>(state.range(0))];
  const std::string source = batch(sample.record);
  std::string text = source;
  for (auto _ : state) {
    benchmark::DoNotOptimize(clean_text(text, search));
    // A cleaned text is clean: only dirty ones are restored, at the cost of the copy.
    if (state.range(0) == 4) text = source;
  }
  report(state, sample, text.size());
}
BENCHMARK_CAPTURE(scan, fastest, Search::kFastest)->DenseRange(0, 4);
BENCHMARK_CAPTURE(scan, scalar, Search::kScalar)->DenseRange(0, 4);

void one_record(benchmark::State& state) {
  const auto& sample = samples()[static_cast<std::size_t>(state.range(0))];
  std::string text = sample.record;
  for (auto _ : state) {
    benchmark::DoNotOptimize(clean_text(text));
    if (state.range(0) == 4) text = sample.record;
  }
  report(state, sample, text.size());
}
BENCHMARK(one_record)->DenseRange(0, 4);

#ifdef FLUXRIG_VECTORSCAN

constexpr std::array kPatterns = {
    R"((?:[0-9][ \-./_+]{0,3}){11,18}[0-9])",
    R"((?:%3[0-9](?:%2[0DEFdef])?){12,19})",
    R"((?:\\u003[0-9]){12,19})",
    R"((?:\\x3[0-9]){12,19})",
    R"((?:3[0-9](?:2[0DEFdef])?){12,19})",
    R"((?:[MNO][DTjz][AEIMQUYcgk][w-z0-5]){4})",
    R"((?:[0-9]\x00){12,19})",
    R"([\xf0-\xf9]{12,19})",
    R"(;[0-9]{12,19}=[0-9]{4})",
    R"(%?[Bb][0-9]{12,19}\^[^^]{2,26}\^[0-9]{4})",
    R"((?i)(?:cv[vcnd]2?|security.code|verification.(?:code|value))["': =]{1,8}[0-9]{3,4})",
    R"((?i)pin.?(?:block)?["': =]{1,8}[0-9A-F]{4,16})",
};

int counted(unsigned, unsigned long long, unsigned long long, unsigned, void* context) {
  ++*static_cast<std::uint64_t*>(context);
  return 0;
}

void vectorscan(benchmark::State& state) {
  const auto& sample = samples()[static_cast<std::size_t>(state.range(0))];
  const std::string text = batch(sample.record);
  std::array<unsigned, kPatterns.size()> flags{};
  std::array<unsigned, kPatterns.size()> ids{};
  for (unsigned i = 0; i < kPatterns.size(); ++i) {
    flags[i] = HS_FLAG_DOTALL;
    ids[i] = i;
  }
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_compile_multi(kPatterns.data(), flags.data(), ids.data(), kPatterns.size(), HS_MODE_BLOCK, nullptr,
                       &database, &error) != HS_SUCCESS) {
    state.SkipWithError(error->message);
    hs_free_compile_error(error);
    return;
  }
  hs_scratch_t* scratch = nullptr;
  if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS) state.SkipWithError("no scratch");
  std::uint64_t matches = 0;
  for (auto _ : state)
    hs_scan(database, text.data(), static_cast<unsigned>(text.size()), 0, scratch, counted, &matches);
  benchmark::DoNotOptimize(matches);
  hs_free_scratch(scratch);
  hs_free_database(database);
  report(state, sample, text.size());
}
BENCHMARK(vectorscan)->DenseRange(0, 4);

#endif

}  // namespace
