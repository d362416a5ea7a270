// Gives the records of a WAL directory out one by one, oldest first. Damage is passed over and counted. One
// thread; disk and limit outlive it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "wal/cursor.hpp"

namespace fluxrig::lane {

// Of a record in a WAL directory.
struct RecordPosition {
  Epoch epoch;
  Sequence sequence;
  friend auto operator<=>(const RecordPosition&, const RecordPosition&) = default;
};

class RecordReader {
 public:
  struct Record {
    RecordPosition position;
    wal::SegmentName segment;
    ByteView bytes;  // one CBOR item; valid until the next call
  };
  // From `start` on; sees what is synced.
  RecordReader(wal::Disk& disk, std::string directory, RecordPosition start, const wal::DurableLimit& limit)
      : cursor_(disk, std::move(directory), {start.epoch, start.sequence}, &limit) {}

  // nullopt: none for now; ask again after the next sync. A failure of the disk: asking again tries again.
  [[nodiscard]] Result<std::optional<Record>> next();
  [[nodiscard]] std::size_t damaged_places() const noexcept { return damaged_places_; }
  // That recovery blocks name, of starts that cut a torn tail.
  [[nodiscard]] std::uint64_t cut_bytes() const noexcept { return cut_bytes_; }

 private:
  [[nodiscard]] Result<bool> next_block();

  wal::Cursor cursor_;
  std::optional<wal::StoredBlock> block_;  // its records from offset_ on are to be given out
  std::size_t offset_ = 0;
  std::uint64_t sequence_ = 0;  // of the record at offset_
  std::size_t damaged_places_ = 0;
  std::uint64_t cut_bytes_ = 0;
};

}  // namespace fluxrig::lane
