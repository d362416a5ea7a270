#include "sink/duckdb/archive.hpp"

#include "sink/duckdb/schema.hpp"

namespace fluxrig::sink {

Attempt<void> Archive::start() {
  std::string sql;
  for (const auto& signal : signals()) sql += signal_view_sql(signal, "");
  return core_.connection().run(sql + derived_views_sql());
}

Attempt<bool> Archive::step(UnixNanos) { return false; }

}  // namespace fluxrig::sink
