// A transaction that is under way: its place on the wires, its message, its tap. Lives in a slot that is used
// again. One thread (the io thread).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gear/transaction.hpp"
#include "rack/wiring.hpp"
#include "tap/draft.hpp"

namespace fluxrig::rack {

class Runtime;

// SHA-256 over the protocol's keys of a message, cut to 16 bytes: what a trace context is handed over under.
using ContextKey = IdBytes<16, struct ContextKeyTag>;

enum class Stage : std::uint8_t {
  kFree,
  kMoving,           // a gear is being called
  kDeparting,        // about to leave the rack; its intent is on its way to the ring or the disk
  kWaiting,          // a gear said Step::wait()
  kAwaitingContext,  // ended; the trace context of its caller has not come yet
  kParked,           // ended; the ring is full
  kAwaitingDisk,     // ended; its record is on its way to the disk
  kReleased,         // send_reply is being called
};

class OpenTransaction final : public gear::Transaction {
 public:
  explicit OpenTransaction(Runtime& runtime) noexcept : runtime_(runtime) {}

  [[nodiscard]] gear::Ticket ticket() const noexcept override { return ticket_; }
  [[nodiscard]] const FluxId& flux_id() const noexcept override { return flux_id_; }
  [[nodiscard]] trace::Context outgoing_context() const override;
  [[nodiscard]] std::string_view baggage() const noexcept override { return baggage_; }
  [[nodiscard]] std::uint64_t cookie() const noexcept override { return cookie_; }
  void attribute(tap::FieldId field, std::string_view value) noexcept override;
  void attribute(tap::FieldId field, std::int64_t value) noexcept override;
  void span_attribute(tap::FieldId field, std::string_view value) noexcept override;
  void span_attribute(tap::FieldId field, std::int64_t value) noexcept override;
  [[nodiscard]] tap::LinkTarget as_link_target() const noexcept override;
  void link(tap::FieldId relation, const tap::LinkTarget& target) noexcept override;
  void span_name(tap::NameId name) noexcept override;
  void span_error(const char* reason) noexcept override;
  void count_bytes(std::uint64_t in, std::uint64_t out) noexcept override;
  [[nodiscard]] gear::Message& kept(const gear::Gear& gear) override;

 private:
  friend class Runtime;

  struct Hop {
    StationIndex station = 0;
    std::uint8_t span =
        tap::kRootSpan;  // slot in the draft; the root for the ingress gear of a whole transaction
    tap::Ticks entered;
  };
  [[nodiscard]] const Hop& here() const noexcept { return path_[at_]; }
  // False: the current gear's span found no slot, and what is said of it would be taken for the
  // transaction's.
  [[nodiscard]] bool has_span() const noexcept {
    return here().span != tap::kRootSpan || (at_ == 0 && !is_branch());
  }
  // The draft that records this: its own, or for a branch that of the transaction it belongs to; null when
  // that has already ended.
  [[nodiscard]] tap::Draft* draft() const noexcept;
  [[nodiscard]] bool is_branch() const noexcept { return owner_.generation != 0; }
  // The transaction whose record stands for this one; null: it has ended and gone.
  [[nodiscard]] OpenTransaction* recorded() noexcept;
  void reset() noexcept;

  Runtime& runtime_;
  gear::Ticket ticket_;
  gear::Ticket owner_;  // generation 0: none
  Stage stage_ = Stage::kFree;
  FluxId flux_id_;
  FluxId first_flux_id_;  // before a context was adopted
  std::uint64_t cookie_ = 0;
  std::string baggage_;
  gear::Message message_;
  std::vector<Hop> path_;
  std::size_t at_ = 0;
  // Past its first entry in the ring, be that its intent or its record: on disk before that, it departed
  // unseen. 0: none yet. Of a branch: that of the transaction it belongs to counts.
  tap::RingPosition entered_ring_;
  tap::RingPosition awaited_;  // kDeparting, kAwaitingDisk: goes on when this is on disk
  bool backward_ = false;
  bool abandoned_ = false;
  bool context_expected_ = false;
  bool context_adopted_ = false;
  ContextKey context_key_;
  bool offer_pending_ = false;
  ContextKey offer_key_;
  gear::Failure failure_;
  model::TransactionOutcome outcome_ = model::TransactionOutcome::kAnswered;
  std::vector<std::pair<const gear::Gear*, gear::Message>> kept_;
  mutable tap::Draft draft_;
  // Neighbours in the list of timeouts, oldest first; slots, kNoSlot at the ends.
  std::uint32_t earlier_ = 0;
  std::uint32_t later_ = 0;
  std::int64_t deadline_ = 0;  // monotonic ns
};

}  // namespace fluxrig::rack
