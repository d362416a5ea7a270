// A 10-field 0200: decode and encode together.
#include <benchmark/benchmark.h>

#include "gear/iso8583/codec.hpp"

namespace {

using namespace fluxrig::gear;

void DecodeAndEncode(benchmark::State& state, std::string_view name) {
  const auto spec = iso8583::load_specification(name, "").value();
  Fields fields;
  for (const auto& [field, value] : {std::pair{"mti", "0200"},
                                     {"2", "4242424242424242"},
                                     {"3", "000000"},
                                     {"4", "000000001050"},
                                     {"7", "1122140307"},
                                     {"11", "000123"},
                                     {"12", "140307"},
                                     {"22", "051"},
                                     {"37", "632614000123"},
                                     {"41", "TERM0001"},
                                     {"49", "978"}})
    fields.append(field, value);
  std::string bytes;
  if (!iso8583::encode(*spec, fields, bytes)) state.SkipWithError("the message cannot be encoded");
  for (auto _ : state) {
    Fields decoded;
    benchmark::DoNotOptimize(iso8583::decode(*spec, bytes, decoded));
    benchmark::DoNotOptimize(iso8583::encode(*spec, decoded, bytes));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(DecodeAndEncode, ascii, "iso8583-1987-ascii");
BENCHMARK_CAPTURE(DecodeAndEncode, binary, "iso8583-1987-binary");

}  // namespace
