// A result of the store as JSON or CSV: not searched again, since the store holds no card number. Pure; any
// thread.
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
[[nodiscard]] ReplyText rows_as_objects(const sink::QueryTable& table, std::size_t columns);
// The first row alone, {"a":1,...}; null when there is none.
[[nodiscard]] ReplyText row_as_object(const sink::QueryTable& table);
// One cell, quoted; it needs no escape: a cursor, which must come back as it is.
[[nodiscard]] ReplyText quoted_cell(const std::optional<std::string>& cell);
// {"columns":[{"name":..,"type":..}],"rows":[[..]],"truncated":false}
[[nodiscard]] ReplyText table_as_json(const sink::QueryTable& table);
// RFC 4180 with a header line; NULL is an empty field.
[[nodiscard]] ReplyText table_as_csv(const sink::QueryTable& table, std::size_t columns);
[[nodiscard]] bool wants_csv(std::string_view accept) noexcept;

}  // namespace fluxrig::mixer
