// One group commit: append a block, sync. On the disk under the working directory; tmpfs says nothing.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>

#include "cbor/encoder.hpp"
#include "wal/posix_disk.hpp"
#include "wal/writer.hpp"

namespace {

using namespace fluxrig;
using namespace fluxrig::wal;

void append_and_sync(benchmark::State& state) {
  std::string base = "bench-wal-XXXXXX";
  if (::mkdtemp(base.data()) == nullptr) {
    state.SkipWithError("cannot make a directory here");
    return;
  }
  PosixDisk disk;
  SystemClock clock;
  MachineId machine;
  machine.bytes[0] = 1;
  auto writer = Writer::open({disk, clock, base + "/audit", machine, model::Lane::kAudit, {}});
  if (!writer) {
    state.SkipWithError(writer.error().message.c_str());
    return;
  }
  Bytes record;
  cbor::Encoder(record).bytes(Bytes(static_cast<std::size_t>(state.range(0)), 0x55));
  Receipts receipts;
  for (auto _ : state) {
    const auto range = (*writer)->append(record, 1);
    const auto synced = (*writer)->sync();
    if (!range || !synced) {
      state.SkipWithError("append or sync failed");
      break;
    }
    // As in a rack: replies go out first, then housekeeping, and receipts come back.
    state.PauseTiming();
    (void)receipts.add((*writer)->epoch(), {Sequence{1}, range->last});
    (void)(*writer)->release(receipts);
    while ((*writer)->maintain().value_or(false)) {
    }
    state.ResumeTiming();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
  writer->reset();
  std::error_code ignored;
  std::filesystem::remove_all(base, ignored);
}
BENCHMARK(append_and_sync)
    ->Arg(1 << 10)
    ->Arg(16 << 10)
    ->Arg(64 << 10)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
