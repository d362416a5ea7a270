// Trace contexts that cross a protocol without headers: offered on the bus beside the message, under a hash
// of the protocol's own keys, and adopted by the rack that receives it (docs/formats/snake.md, flux.context).
// Best effort: what comes too late or not at all is counted, nothing waits for it on the way. One thread (the
// io thread).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/diagnostics.hpp"
#include "base/ids.hpp"
#include "gear/services.hpp"
#include "rack/open_transaction.hpp"
#include "snake/bus.hpp"
#include "trace/context.hpp"

namespace fluxrig::rack {

// The bus learns no field values.
[[nodiscard]] ContextKey context_key(std::string_view key);

struct OfferedContext {
  ContextKey key;
  FluxId flux_id;
  trace::Context context;
};

inline constexpr std::size_t kMaxOffers = 256;  // in one message

// Each tracestate is searched once more: the rest are ids and hashes.
[[nodiscard]] sanitize::CleanBytes encode_offers(const std::vector<OfferedContext>& offers);
[[nodiscard]] Result<std::vector<OfferedContext>> decode_offers(ByteView bytes);  // hostile bytes

class ContextExchange {
 public:
  static constexpr std::size_t kMaxKept = 32'768;  // offers that nobody has asked for yet
  static constexpr std::int64_t kKeptFor = 10 * kNanosPerSecond;

  struct Parts {
    boost::asio::io_context& io;
    snake::Bus& bus;
    const Clock& clock;
    Diagnostics& diagnostics;
    std::string rack;
    std::function<void(gear::Ticket, const OfferedContext&)> arrived;  // for somebody who waits
  };
  explicit ContextExchange(Parts parts);
  ~ContextExchange();

  void subscribe();
  void offer(const ContextKey& key, const trace::Context& context, const FluxId& flux_id);
  // The offer when it is here; otherwise `ticket` is told when it comes.
  [[nodiscard]] std::optional<OfferedContext> adopt(const ContextKey& key, gear::Ticket ticket);
  // `ticket` ended; it waits no longer.
  void forget(const ContextKey& key);

 private:
  void flush();
  void take(std::vector<OfferedContext> offers);
  void expire();

  struct Kept {
    OfferedContext offer;
    std::int64_t until = 0;
  };

  Parts parts_;
  std::vector<OfferedContext> outgoing_;
  bool flush_posted_ = false;
  std::unordered_map<ContextKey, Kept> kept_;
  std::deque<std::pair<std::int64_t, ContextKey>> kept_order_;
  std::unordered_map<ContextKey, gear::Ticket> waiting_;
  std::shared_ptr<bool> alive_ =
      std::make_shared<bool>(true);                    // handlers posted to the loop outlive this object
  std::unique_ptr<snake::Subscription> subscription_;  // last: no delivery while the rest is torn down
};

}  // namespace fluxrig::rack
