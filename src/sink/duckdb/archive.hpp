// Closed hours as Parquet files, and the views over hot and cold rows. One thread (ingest).
#pragma once

#include "sink/duckdb/store_core.hpp"

namespace fluxrig::sink {

class Archive {
 public:
  explicit Archive(StoreCore& core) : core_(core) {}

  [[nodiscard]] Attempt<void> start();
  [[nodiscard]] Attempt<bool> step(UnixNanos now);

 private:
  StoreCore& core_;
};

}  // namespace fluxrig::sink
