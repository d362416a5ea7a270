#include "bench/wal/recovery.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "bench/give_up.hpp"
#include "bench/wal/load.hpp"
#include "wal/cursor.hpp"
#include "wal/posix_disk.hpp"
#include "wal/writer.hpp"

namespace fluxrig::bench {
namespace {

constexpr std::uint32_t kRecordsInABlock = 64;  // as with 64 writers
constexpr std::uint64_t kDirectoryBytes = 64ULL << 30;

wal::WriterSetup setup(wal::Disk& disk, const Clock& clock, const std::string& directory) {
  MachineId machine;
  machine.bytes.fill(0xa5);
  wal::WriterSetup made{disk, clock, directory, machine, model::Lane::kAudit, {}};
  made.options.directory_bytes = kDirectoryBytes;
  return made;
}

std::unique_ptr<wal::Writer> open_writer(wal::Disk& disk, const Clock& clock, const std::string& directory) {
  auto writer = wal::Writer::open(setup(disk, clock, directory));
  if (!writer) give_up(writer.error().message);
  return *std::move(writer);
}

void fill(wal::Writer& writer, std::uint64_t bytes, const std::string& record) {
  Bytes records;
  for (std::uint32_t i = 0; i < kRecordsInABlock; ++i)
    records.insert(records.end(), record.begin(), record.end());
  for (std::uint64_t written = 0; written < bytes; written += records.size())
    if (!writer.append(records, kRecordsInABlock)) give_up("cannot fill the lane to be recovered");
  if (!writer.sync()) give_up("cannot sync the lane to be recovered");
}

void leave_page_cache(const std::string& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const int file = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    ::fsync(file);
    ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    ::close(file);
  }
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Recovery run_recovery(const std::string& directory, std::uint64_t bytes, const std::string& record) {
  const SystemClock clock;
  wal::PosixDisk disk;
  const std::string lane = directory + "/audit";
  fill(*open_writer(disk, clock, lane), bytes, record);  // and gone without a close
  leave_page_cache(lane);

  Recovery recovery;
  auto start = std::chrono::steady_clock::now();
  const auto writer = open_writer(disk, clock, lane);
  recovery.open_seconds = seconds_since(start);
  start = std::chrono::steady_clock::now();
  wal::Cursor cursor(disk, lane, {}, &writer->durable());
  for (;;) {
    const auto block = cursor.next();
    if (!block) give_up("the lane cannot be read back");
    if (!*block) break;
    recovery.bytes += (*block)->bytes.size();
    recovery.records += (*block)->view.head.count;
  }
  recovery.read_seconds = seconds_since(start);
  return recovery;
}

}  // namespace fluxrig::bench
