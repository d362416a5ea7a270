// Bytes that may go to somebody else: what the bus publishes is made of these and of nothing else, so what
// nobody has searched or sealed does not compile. Values; any thread.
#pragma once

#include <utility>

#include "base/bytes.hpp"

namespace fluxrig::gear::bus {
struct MessageBytes;
}
namespace fluxrig::rack {
struct BlockBytes;
struct OfferBytes;
}  // namespace fluxrig::rack
namespace fluxrig::snake {
struct ForwardedBytes;
}

namespace fluxrig::sanitize {

class CleanBytes {
 public:
  CleanBytes() = default;

  [[nodiscard]] const Bytes& bytes() const noexcept { return bytes_; }
  operator ByteView() const noexcept {
    return bytes_;
  }  // NOLINT(google-explicit-constructor): they are read as any others
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  friend bool operator==(const CleanBytes&, const CleanBytes&) = default;

 private:
  // Who makes them, each in one function and out of a type that holds nothing else:
  friend struct MessageMaker;             // clean_message.cpp: searched, text by text
  friend struct gear::bus::MessageBytes;  // P0: sealed
  friend struct rack::BlockBytes;  // P1 and P2: blocks of CleanRecords, out of memory or a lane's own disk
  friend struct rack::OfferBytes;  // contexts: ids, hashes, and a tracestate that is searched
  friend struct snake::ForwardedBytes;  // what came over the bus, back onto it as it came
  friend struct TestBytes;              // test_clean_bytes.hpp
  explicit CleanBytes(Bytes clean) noexcept : bytes_(std::move(clean)) {}

  Bytes bytes_;
};

}  // namespace fluxrig::sanitize
