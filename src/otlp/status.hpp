// The span status of a transaction and of a child span, by the rules of the semantic conventions. Internal to
// the module.
#pragma once

#include <string>
#include <string_view>

#include "model/records.hpp"

namespace fluxrig::otlp {

struct Status {
  model::StatusCode code = model::StatusCode::kUnset;
  std::string_view message;  // with kError only
  std::string error_type;    // error.type; with kError only
};

// Of a server (or consumer): an HTTP status of 5xx is an error, 4xx is none, since the caller made it, unless
// the caller then went away. Without an HTTP status the outcome decides: everything but `answered` is an
// error. Views into the transaction.
[[nodiscard]] Status status_of(const model::Transaction& transaction);

// Of a child span: as recorded; of an HTTP client every status of 400 and above is an error.
[[nodiscard]] Status status_of(const model::Span& span);

}  // namespace fluxrig::otlp
