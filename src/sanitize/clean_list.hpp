// Many records that have passed the gate, as an exporter takes them: what nobody searched does not compile.
// Values and views; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "model/records.hpp"

namespace fluxrig::sanitize {

// Views records of a CleanList; valid as long as that is, and not added to.
class CleanSpan {
 public:
  CleanSpan() = default;

  [[nodiscard]] auto begin() const noexcept { return records_.begin(); }
  [[nodiscard]] auto end() const noexcept { return records_.end(); }
  [[nodiscard]] const model::Record* data() const noexcept { return records_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
  [[nodiscard]] bool empty() const noexcept { return records_.empty(); }
  [[nodiscard]] CleanSpan part(std::size_t begin, std::size_t end) const {
    return CleanSpan(records_.subspan(begin, end - begin));
  }

 private:
  friend class CleanList;
  friend struct TestRecords;  // test_clean_list.hpp
  explicit CleanSpan(std::span<const model::Record> searched) noexcept : records_(searched) {}

  std::span<const model::Record> records_;
};

class CleanList {
 public:
  CleanList() = default;
  // Searches each, as clean() does (clean_record.hpp).
  explicit CleanList(std::vector<model::Record> records);
  void add(model::Record record);

  [[nodiscard]] CleanSpan all() const noexcept { return CleanSpan(records_); }
  [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }

 private:
  std::vector<model::Record> records_;
};

}  // namespace fluxrig::sanitize
