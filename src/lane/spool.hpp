// Messages of one flow that wait on disk for the bus: appended in the order of their acceptance, given out in
// that order, gone once the stream has acknowledged them. A WAL directory of its own (docs/formats/spool.md);
// what is in a record is its user's business. One thread; disk and clock outlive it.
//
// After a crash everything that was synced and whose acknowledgement was not yet stored is given out again:
// whoever publishes it must name it so that the receiver knows it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "lane/record_reader.hpp"
#include "wal/receipts.hpp"
#include "wal/writer.hpp"

namespace fluxrig::lane {

class Spool {
 public:
  using Position = RecordPosition;
  struct Item {
    Position position;
    Bytes record;  // one encoded CBOR item, as appended
  };
  struct Setup {
    wal::Disk& disk;
    const Clock& clock;
    std::string directory;  // made when its parent exists
    MachineId machine_id;
    std::string rack;
    std::string software;
    std::uint64_t bytes = 256U << 20;  // of the directory; at least kMinBytes
  };
  static constexpr std::uint64_t kMinBytes = 4U << 20;

  // What a person must hear of the state that was found.
  struct Found {
    std::size_t messages = 0;  // waiting from the runs before
    // Torn tails, never acknowledged to anybody, or a last block that has rotted: cut by this start, or by an
    // earlier one that may have died before it said so. As long as their segments are there.
    std::uint64_t cut_bytes = 0;
    bool receipts_damaged = false;   // everything is given out again
    std::size_t damaged_places = 0;  // messages in them are lost
  };

  [[nodiscard]] static Outcome<std::unique_ptr<Spool>> open(const Setup& setup);

  // One CBOR item; safe only after sync(). kFull, kIo, kOversize: nothing was kept. A failed sync leaves open
  // whether it was; the next sync writes it again.
  [[nodiscard]] Result<Position> append(ByteView record);
  [[nodiscard]] Result<void> sync();

  // The oldest on disk that has not been given out since the last rewind; nullopt: none. Damage is passed
  // over and counted.
  [[nodiscard]] Result<std::optional<Item>> next();
  // Begins again with the oldest that is not acknowledged.
  void rewind();
  void acknowledge(Position position);

  // Stores the acknowledgements and gives space back, that of earlier runs too: never before the caller has
  // found() in hand, since what tells of a cut goes with its segment. Costs system calls only when something
  // changed.
  [[nodiscard]] Result<void> keep_house();
  [[nodiscard]] bool has_house_work() const noexcept { return receipts_.changed() || release_due_; }
  // A clean end.
  [[nodiscard]] Result<void> close();

  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }  // not acknowledged
  [[nodiscard]] const Found& found() const noexcept { return found_; }
  [[nodiscard]] std::size_t damaged_places() const noexcept {
    return damaged_before_ + reader_->damaged_places();
  }
  [[nodiscard]] const std::string& directory() const noexcept { return writer_->directory(); }

 private:
  Spool(wal::Disk& disk, std::unique_ptr<wal::Writer> writer, wal::Receipts receipts);
  void read_from(Position start);
  void count_waiting();

  wal::Disk& disk_;
  std::unique_ptr<wal::Writer> writer_;
  wal::Receipts receipts_;
  std::optional<RecordReader> reader_;  // never empty; optional so that it can begin anew
  std::size_t damaged_before_ = 0;      // seen by the readers before it
  std::set<Position> given_;            // out and not acknowledged
  std::size_t waiting_ = 0;
  bool release_due_ = true;  // what the last run acknowledged and had no time to delete
  Found found_;
};

}  // namespace fluxrig::lane
