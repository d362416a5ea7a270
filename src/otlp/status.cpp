#include "otlp/status.hpp"

#include <algorithm>

namespace fluxrig::otlp {
namespace {

// 0: there is none.
std::int64_t http_status(const std::vector<model::Attribute>& attributes) {
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [](const auto& one) { return one.key == "http.response.status_code"; });
  if (found == attributes.end()) return 0;
  const auto* number = std::get_if<std::int64_t>(&found->value);
  return number != nullptr ? *number : 0;
}

bool is_servers_error(const model::Transaction& transaction, std::int64_t http) {
  if (http >= 500) return true;
  const bool callers_fault = http >= 400 && transaction.kind != model::SpanKind::kClient;
  if (callers_fault) return transaction.outcome == model::TransactionOutcome::kAbandoned;
  return transaction.outcome != model::TransactionOutcome::kAnswered || http >= 400;
}

}  // namespace

Status status_of(const model::Transaction& transaction) {
  const std::int64_t http = http_status(transaction.attributes);
  if (!is_servers_error(transaction, http)) return {};
  Status status{model::StatusCode::kError, transaction.reason, ""};
  // What was sent names the error, unless it does not tell of one.
  status.error_type = http >= 500 ? std::to_string(http) : std::string(to_string(transaction.outcome));
  return status;
}

Status status_of(const model::Span& span) {
  const std::int64_t http = span.kind == model::SpanKind::kClient ? http_status(span.attributes) : 0;
  if (span.status != model::StatusCode::kError && http < 400) return {span.status, {}, ""};
  // Phrases are no identifiers: the status has ours.
  return {model::StatusCode::kError, span.status_message, http >= 400 ? std::to_string(http) : "_OTHER"};
}

}  // namespace fluxrig::otlp
