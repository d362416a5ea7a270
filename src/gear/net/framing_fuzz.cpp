// Reads hostile bytes as frames of every framing, whole and byte by byte: both must agree, and progress.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gear/net/framing.hpp"

namespace {

using fluxrig::gear::net::Frame;
using fluxrig::gear::net::Framing;

constexpr std::size_t kMaxFrame = 64;

void check(Framing framing, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto whole = next_frame(framing, bytes, kMaxFrame);
    if (whole.used > bytes.size() || whole.payload.size() > kMaxFrame) std::abort();
    if (whole.kind == Frame::Kind::kMessage || whole.kind == Frame::Kind::kPoll) {
      if (whole.used == 0) std::abort();
      // A shorter input can only be incomplete: a frame never ends early.
      for (std::size_t size = 0; size < whole.used; ++size)
        if (next_frame(framing, bytes.substr(0, size), kMaxFrame).kind != Frame::Kind::kIncomplete)
          std::abort();
      std::string again;
      if (!append_frame(framing, whole.payload, again)) std::abort();
      if (next_frame(framing, again, kMaxFrame).payload != whole.payload &&
          framing != Framing::kNewline)  // a CR within a line may end up at its end
        std::abort();
    }
    if (whole.used == 0) return;
    bytes.remove_prefix(whole.used);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const auto framing : {Framing::kLength2, Framing::kLength4, Framing::kAscii4, Framing::kNewline})
    check(framing, bytes);
  return 0;
}
