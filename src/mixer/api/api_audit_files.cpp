// The files of the store: read now and held against what was written, page by page; and in short.
#include <fmt/core.h>

#include <charconv>

#include "base/diagnostics.hpp"
#include "mixer/api/api_audit.hpp"
#include "mixer/api/table_output.hpp"

namespace fluxrig::mixer {

ApiResponse audit_files(const ApiParts& parts, const ApiRequest& request) {
  std::uint64_t after = 0;
  for (const auto& [name, value] : request.query) {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), after);
    if (name != "after" || error != std::errc{} || end != value.data() + value.size())
      return problem_response(400, "files knows the parameter after: the 'next' of the page before");
  }
  const auto page = parts.queries.check_files(after);
  if (!page) return problem_response(503, page.error().message);
  ApiResponse response;
  response.body = ReplyText("{\"files\":[");
  for (const auto& file : page->files)
    response.body += ReplyText::format(R"({}{{"id":{},"file":"{}","rows":{},"bytes":{},"state":"{}"}})",
                                       comma(file.id != page->files.front().id), file.id, said(file.path),
                                       file.rows, file.bytes, said(sink::to_string(file.state)));
  response.body += ReplyText::format(
      "],\"next\":{}}}\n", page->next == 0 ? ReplyText("null") : ReplyText::format("{}", page->next));
  return response;
}

Outcome<ReplyText> audit_store_status(sink::Queries& queries) {
  const auto table = queries.select(
      "SELECT CASE WHEN a.alarms = 0 THEN 'ok' ELSE 'alarm' END AS state, f.files, f.bytes, f.checked_since, "
      "a.alarms AS open_alarms FROM (SELECT count(*) AS files, coalesce(sum(bytes), 0)::UBIGINT AS bytes, "
      "min(checked_at) AS checked_since FROM parquet_files) AS f, (SELECT count(*) AS alarms FROM "
      "audit_alarms WHERE machine_id IS NULL AND resolved_at IS NULL) AS a",
      {}, sink::QueryLimits{});
  if (!table) return tl::unexpected(table.error());
  return row_as_object(*table);
}

}  // namespace fluxrig::mixer
