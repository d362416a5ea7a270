// Any bytes as a bundle: nothing hangs, nothing is read out of bounds, the report stays bounded.
#include "base/assert.hpp"
#include "wal/bundle.hpp"
#include "wal/memory_disk.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig;
  using namespace fluxrig::wal;
  MemoryDisk disk;
  FR_ASSERT(disk.make_directory("out").has_value());
  auto file = disk.open("out/bundle", OpenMode::kCreateEmpty);
  FR_ASSERT(file && (*file)->write_at(0, {data, size}));
  (void)is_bundle(**file);
  const auto verified = verify_bundle(**file, {});
  if (!verified) return 0;
  FR_ASSERT(is_bundle(**file));
  for (const auto& one : verified->machines) {
    FR_ASSERT(one.report.faults.size() <= ChainReport::kMaxListed);
    FR_ASSERT(one.report.good() == (one.report.fault_count == 0));
  }
  return 0;
}
