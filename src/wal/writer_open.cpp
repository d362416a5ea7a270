// Opening a lane's directory: every failure here is read by a person.
#include <fmt/core.h>

#include <array>
#include <cstring>

#include "wal/epoch_file.hpp"
#include "wal/writer.hpp"

namespace fluxrig::wal {
namespace {

constexpr const char* kLockName = "lock";

std::string cause(const Error& error) {
  return error.os_error != 0 ? std::string(std::strerror(error.os_error)) : std::string(error.detail);
}

// The process id that the holder wrote, when it can be read.
std::string lock_holder(Disk& disk, const std::string& path) {
  const auto file = disk.open(path, OpenMode::kRead);
  if (!file) return {};
  std::array<std::uint8_t, 20> text{};
  const auto count = (*file)->read_at(0, text);
  std::string digits;
  for (std::size_t i = 0; count && i < *count && text[i] >= '0' && text[i] <= '9'; ++i)
    digits.push_back(static_cast<char>(text[i]));
  return digits;
}

tl::unexpected<Problem> refused(const std::string& directory, const Error& error) {
  switch (error.code) {
    case ErrorCode::kNotFound:
      return problem(
          fmt::format("cannot make the WAL directory '{}': its parent does not exist; make it, owned by the "
                      "rack's user, or "
                      "set another data directory",
                      directory));
    case ErrorCode::kRefused:
      return problem(
          fmt::format("cannot write in the WAL directory '{}': {}; give the rack's user write access, or "
                      "remount the file "
                      "system writable",
                      directory, cause(error)));
    case ErrorCode::kFull:
      return problem(
          fmt::format("no space in the WAL directory '{}': {}; free some space on that disk and start again",
                      directory, cause(error)));
    default:
      return problem(
          fmt::format("cannot open the WAL directory '{}': {} ({}); check the disk, 'fluxrig wal verify {}' "
                      "reads it without "
                      "changing anything",
                      directory, error.detail, cause(error), directory));
  }
}

Outcome<std::unique_ptr<Lock>> take_lock(Disk& disk, const std::string& directory) {
  const std::string path = directory + "/" + kLockName;
  auto lock = disk.lock(path);
  if (lock) return std::move(*lock);
  const bool held =
      lock.error().code == ErrorCode::kRefused && std::strcmp(lock.error().detail, kLockHeld) == 0;
  if (!held) return refused(directory, lock.error());
  const std::string holder = lock_holder(disk, path);
  return problem(
      fmt::format("the WAL directory '{}' is in use by process {}; stop that rack, or give this one its own "
                  "data directory",
                  directory, holder.empty() ? "(unknown)" : holder));
}

}  // namespace

Outcome<std::unique_ptr<Writer>> Writer::open(WriterSetup setup) {
  Disk& disk = setup.disk;
  const auto made = disk.make_directory(setup.directory);
  if (!made && made.error().code != ErrorCode::kExists) return refused(setup.directory, made.error());
  auto lock = take_lock(disk, setup.directory);
  if (!lock) return tl::unexpected(lock.error());
  auto recovery = recover(disk, setup.clock, setup.directory,
                          {0, false, setup.options.epoch_floor, setup.options.epoch_random});
  if (!recovery) return refused(setup.directory, recovery.error());
  if (recovery->owner && *recovery->owner != setup.machine_id)
    return problem(
        fmt::format("the WAL directory '{}' belongs to rack {}, this rack is {}; use the certificate it was "
                    "made with, or "
                    "another data directory",
                    setup.directory, to_string(*recovery->owner), to_string(setup.machine_id)));
  // Stored before the first block of the epoch exists: no epoch is ever used twice.
  const EpochState state{recovery->recovered.epoch, setup.machine_id, recovery->recovered.link};
  if (const auto stored = store_epoch(disk, setup.directory, state); !stored)
    return refused(setup.directory, stored.error());
  std::unique_ptr<Writer> writer(new Writer(std::move(setup), std::move(*lock), std::move(*recovery)));
  if (const auto opened = writer->open_segment(Room::kRecords); !opened) {
    // Full: what is stored must still be shipped, which is what frees the space.
    if (opened.error().code != ErrorCode::kFull) return refused(writer->directory(), opened.error());
    writer->recovered_.segment_error = opened.error();
  }
  return writer;
}

}  // namespace fluxrig::wal
