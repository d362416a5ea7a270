// One transaction on its way through this rack, as gears see it. Owned by the runtime; a reference is valid
// during the call it was passed to: keep the ticket, not the reference. One thread (the io thread).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "gear/message.hpp"
#include "gear/services.hpp"
#include "tap/draft.hpp"
#include "tap/names.hpp"
#include "trace/context.hpp"

namespace fluxrig::gear {

class Transaction {
 public:
  virtual ~Transaction() = default;

  [[nodiscard]] virtual Ticket ticket() const noexcept = 0;
  [[nodiscard]] virtual const FluxId& flux_id() const noexcept = 0;
  // What an egress gear sends on: the span id is that of the calling gear's own span.
  [[nodiscard]] virtual trace::Context outgoing_context() const = 0;
  // The caller's W3C Baggage, to be sent on; safe as a header's value (trace::bound_baggage). Never an
  // attribute: it holds what the caller likes.
  [[nodiscard]] virtual std::string_view baggage() const noexcept = 0;
  [[nodiscard]] virtual std::uint64_t cookie() const noexcept = 0;  // Arrival::cookie

  // Attributes of the whole transaction (its record and root span). The field's action is applied before
  // anything is stored; a field whose action is drop leaves only its name. Text over 256 bytes is cut
  // (counted).
  virtual void attribute(tap::FieldId field, std::string_view value) noexcept = 0;
  virtual void attribute(tap::FieldId field, std::int64_t value) noexcept = 0;
  // The same, of the calling gear's own span; of the transaction when the gear is its ingress. Kept or left
  // out with the span.
  virtual void span_attribute(tap::FieldId field, std::string_view value) noexcept = 0;
  virtual void span_attribute(tap::FieldId field, std::int64_t value) noexcept = 0;
  // The root span of this transaction, for a link from a later one. What is adopted later changes it.
  [[nodiscard]] virtual tap::LinkTarget as_link_target() const noexcept = 0;
  // Links the root span to that of another transaction.
  virtual void link(tap::FieldId relation, const tap::LinkTarget& target) noexcept = 0;
  // Names the calling gear's span ("decode 0200", "POST /authorize"), and the root span when the gear is the
  // ingress.
  virtual void span_name(tap::NameId name) noexcept = 0;
  // Marks the calling gear's span as failed without failing the transaction (an HTTP 5xx that is passed
  // through).
  virtual void span_error(const char* reason) noexcept = 0;
  // Bytes that the calling gear read or wrote for this transaction, for its metrics.
  virtual void count_bytes(std::uint64_t in, std::uint64_t out) noexcept = 0;

  // What `gear` wants to find again when the reply comes. Empty at first; freed with the transaction.
  [[nodiscard]] virtual Message& kept(const Gear& gear) = 0;

  // Set by a codec on the way out; the egress gear finds the waiting transaction by it.
  std::string correlation;
};

}  // namespace fluxrig::gear
