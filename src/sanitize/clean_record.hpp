// Records that have passed the gate, as a type: what the lanes take is made of these and of nothing else, so
// a record that nobody searched does not compile. Values; any thread.
#pragma once

#include <cstdint>
#include <utility>

#include "base/bytes.hpp"
#include "model/records.hpp"

namespace fluxrig::tap {
class Assembler;
}

namespace fluxrig::sanitize {

class CleanRecord {
 public:
  // A record of this kind without content, to be filled by the assembler.
  template <typename T>
  [[nodiscard]] static CleanRecord empty() {
    return CleanRecord(model::Record(T{}));
  }

  [[nodiscard]] const model::Record& value() const noexcept { return record_; }

 private:
  friend CleanRecord clean(model::Record record);
  // Makes each text of a record from a `Sanitized` one; a second search of all of them would double its cost.
  friend class tap::Assembler;
  explicit CleanRecord(model::Record searched) noexcept : record_(std::move(searched)) {}

  model::Record record_;
};

// Searches every text of the record: names, gear, tracestate, reason, body, keys and values, and integers
// that print as a card number. Ids and times are exempt by their types. Idempotent.
[[nodiscard]] CleanRecord clean(model::Record record);

// Encoded records of which each has passed the gate: what becomes a block.
class CleanRecords {
 public:
  void add(const CleanRecord& record);
  [[nodiscard]] ByteView bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  // Keeps the room.
  void clear() noexcept;

 private:
  Bytes bytes_;
  std::uint32_t count_ = 0;
};

}  // namespace fluxrig::sanitize
