// Any records as clean ones, for tests of what is made of them. Tests and benchmarks only.
#pragma once

#include "sanitize/clean_list.hpp"

namespace fluxrig::sanitize {

struct TestRecords {
  // As long as `records` is, and not changed.
  [[nodiscard]] static CleanSpan of(std::span<const model::Record> records) { return CleanSpan(records); }
};

}  // namespace fluxrig::sanitize
