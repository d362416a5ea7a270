// Arbitrary bytes as a segment: scan, verify, read to the end over all damage, recover, append. Whatever they
// are, nothing hangs, nothing is read out of bounds, and after the start an append is read back.
#include <cstdlib>

#include "base/assert.hpp"
#include "wal/cursor.hpp"
#include "wal/inspect.hpp"
#include "wal/memory_disk.hpp"
#include "wal/writer.hpp"

namespace {

using namespace fluxrig;
using namespace fluxrig::wal;

constexpr std::size_t kMaxInput = 64U << 10;

// Records read; bounded by the damage that so few bytes can hold.
std::uint64_t read_over_damage(Disk& disk, const std::string& directory) {
  Cursor cursor(disk, directory, {});
  std::uint64_t records = 0;
  for (std::size_t damages = 0; damages <= kMaxInput;) {
    const auto block = cursor.next();
    if (block && !*block) return records;
    if (block) {
      records += (*block)->view.head.count;
      continue;
    }
    FR_ASSERT(cursor.damage().has_value());
    FR_ASSERT(cursor.skip_damage().has_value());
    ++damages;
  }
  FR_ASSERT(false);
  return records;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kMaxInput) return 0;
  MemoryDisk disk;
  ManualClock clock;
  const std::string directory = "audit";
  FR_ASSERT(disk.make_directory(directory).has_value());
  auto file = disk.open(path_of(directory, {Epoch{1}, Sequence{1}}), OpenMode::kCreateEmpty);
  FR_ASSERT(file && (*file)->write_at(0, {data, size}) && (*file)->sync());
  FR_ASSERT(verify(disk, directory).has_value());
  FR_ASSERT(summarize(disk, directory).has_value());
  (void)read_over_damage(disk, directory);

  MachineId machine;
  for (std::size_t i = 0; i < machine.bytes.size(); ++i)
    machine.bytes[i] = static_cast<std::uint8_t>(0xa0 + i);
  WriterOptions options;
  options.free_reserve_bytes = 0;
  options.segment_bytes = WriterOptions::kMinSegmentBytes;
  auto writer = Writer::open({disk, clock, directory, machine, model::Lane::kAudit, options});
  if (!writer) return 0;  // another rack's
  const std::uint64_t before = read_over_damage(disk, directory);
  const std::uint8_t record[] = {0x01};
  FR_ASSERT((*writer)->append(record, 1) && (*writer)->sync());
  FR_ASSERT(read_over_damage(disk, directory) == before + 1);
  return 0;
}
