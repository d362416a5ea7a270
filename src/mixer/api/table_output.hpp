// A result of the store as JSON or CSV. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "mixer/api/message.hpp"
#include "sink/sink.hpp"

namespace fluxrig::mixer {

// "null", 12, true, "text"; columns of type JSON go in as they are.
void append_json_value(const sink::QueryTable::Column& column, const std::optional<std::string>& value,
                       std::string& out);
// [{"a":1,...},...]: one object a row, of the first `columns` columns.
[[nodiscard]] std::string rows_as_objects(const sink::QueryTable& table, std::size_t columns);
// {"columns":[{"name":..,"type":..}],"rows":[[..]],"truncated":false}
[[nodiscard]] std::string table_as_json(const sink::QueryTable& table);
// RFC 4180 with a header line; NULL is an empty field.
[[nodiscard]] std::string table_as_csv(const sink::QueryTable& table, std::size_t columns);
[[nodiscard]] bool wants_csv(std::string_view accept) noexcept;

}  // namespace fluxrig::mixer
