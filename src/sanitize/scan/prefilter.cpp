#include "sanitize/scan/prefilter.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "sanitize/scan/card_number.hpp"
#include "sanitize/scan/trigger_tables.hpp"

namespace fluxrig::sanitize {
namespace {

constexpr std::size_t kBlock = 64;
constexpr std::size_t kLookAhead = 2;
constexpr std::size_t kBatch = 16;
constexpr char kPadding = '~';  // of no class

// HalfTables spelt out: one load a character.
constexpr auto spelt_out(const detail::HalfTables& from) noexcept {
  std::array<std::uint8_t, 256> out{};
  for (unsigned c = 0; c < 256; ++c) out[c] = from(static_cast<unsigned char>(c));
  return out;
}
constexpr auto kClassOf = spelt_out(detail::kClass);
constexpr auto kFirstOf = spelt_out(detail::kFirst);
constexpr auto kSecondOf = spelt_out(detail::kSecond);
constexpr auto kThirdOf = spelt_out(detail::kThird);

std::uint64_t low_bits(unsigned count) noexcept {
  return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

// Joins the runs of digits and separators over the borders of blocks.
class RunJoiner {
 public:
  explicit RunJoiner(std::vector<Run>& out) noexcept : out_(out) {}

  void block(std::size_t base, const detail::Masks& masks) {
    std::uint64_t run = masks.run;
    if (open_) {
      const auto lead = static_cast<unsigned>(std::countr_one(run));
      // Most runs are too short to count their digits.
      if (base + lead - start_ >= kLeastCardDigits)
        digits_ += count(pending_) + count(masks.digits & low_bits(lead));
      if (lead == kBlock) {
        pending_ = 0;
        return;
      }
      close(base + lead);
      run &= ~low_bits(lead);
    }
    if (const auto trail = static_cast<unsigned>(std::countl_one(run)); trail > 0) {
      const std::uint64_t inner = low_bits(static_cast<unsigned>(kBlock) - trail);
      open_ = true;
      start_ = base + kBlock - trail;
      digits_ = 0;
      pending_ = masks.digits & ~inner;
      run &= inner;
    }
    // A bit stays where 12 set bits begin.
    std::uint64_t starts = run & (run >> 1);
    starts &= starts >> 2;
    starts &= starts >> 4;
    starts &= starts >> 4;
    while (starts != 0) {
      const auto first = static_cast<unsigned>(std::countr_zero(starts));
      const auto size = static_cast<unsigned>(std::countr_one(run >> first));
      const std::uint64_t bits = low_bits(size) << first;
      if (count(masks.digits & bits) >= kLeastCardDigits) out_.push_back({base + first, base + first + size});
      starts &= ~bits;
    }
  }

  void finish(std::size_t end) {
    digits_ += count(pending_);
    close(end);
  }

 private:
  static std::size_t count(std::uint64_t bits) noexcept {
    return static_cast<std::size_t>(std::popcount(bits));
  }

  void close(std::size_t end) {
    if (open_ && digits_ >= kLeastCardDigits) out_.push_back({start_, end});
    open_ = false;
  }

  std::vector<Run>& out_;
  bool open_ = false;
  std::size_t start_ = 0;
  std::size_t digits_ = 0;
  std::uint64_t pending_ = 0;  // the digits of the block in which the open run began, not yet counted
};

class Pass {
 public:
  Pass(detail::Classify classify, Suspects& out) noexcept : classify_(classify), out_(out), runs_(out.runs) {}

  void blocks(const char* data, std::size_t count, std::size_t base) {
    detail::Masks masks[kBatch];
    while (count > 0) {
      const std::size_t some = std::min(count, kBatch);
      flags_ |= classify_(data, some, masks);
      for (std::size_t i = 0; i < some; ++i) {
        runs_.block(base + i * kBlock, masks[i]);
        for (std::uint64_t bits = masks[i].trigger; bits != 0; bits &= bits - 1)
          out_.triggers.push_back(static_cast<std::uint32_t>(
              base + i * kBlock + static_cast<std::size_t>(std::countr_zero(bits))));
      }
      data += some * kBlock;
      base += some * kBlock;
      count -= some;
    }
  }

  void finish(std::size_t size) {
    runs_.finish(size);
    out_.control = (flags_ & detail::kControlFlag) != 0;
    out_.high = (flags_ & detail::kHighFlag) != 0;
  }

 private:
  detail::Classify classify_;
  Suspects& out_;
  RunJoiner runs_;
  unsigned flags_ = 0;
};

}  // namespace

unsigned detail::classify_scalar(const char* data, std::size_t blocks, Masks* out) noexcept {
  unsigned seen = 0;
  unsigned high = 0;
  const auto* p = reinterpret_cast<const unsigned char*>(data);
  for (std::size_t block = 0; block < blocks; ++block, p += kBlock) {
    Masks masks{0, 0, 0};
    for (std::size_t i = 0; i < kBlock; ++i) {
      const unsigned classes = kClassOf[p[i]];
      const std::uint64_t run = ((classes << 1 | classes << 2 | classes | p[i]) >> 7) & 1U;
      const unsigned trigger = kFirstOf[p[i]] & kSecondOf[p[i + 1]] & kThirdOf[p[i + 2]];
      seen |= classes;
      high |= p[i];
      masks.digits |= std::uint64_t{classes >> 7} << i;
      masks.run |= run << i;
      masks.trigger |= std::uint64_t{trigger != 0} << i;
    }
    out[block] = masks;
  }
  return ((seen & kControlBits) != 0 ? kControlFlag : 0U) | (high >= 0x80 ? kHighFlag : 0U);
}

void find_suspects(std::string_view text, Instructions instructions, Suspects& out) {
  static const bool avx2 = has_avx2();
  const bool fast = avx2 && instructions == Instructions::kFastest;
  out.clear();
  Pass pass(fast ? detail::classify_avx2 : detail::classify_scalar, out);
  const std::size_t whole = text.size() < kLookAhead ? 0 : (text.size() - kLookAhead) / kBlock;
  pass.blocks(text.data(), whole, 0);
  // The rest, up to 65 bytes, with room to look ahead.
  char tail[2 * kBlock + kLookAhead];
  std::memset(tail, kPadding, sizeof tail);
  const std::size_t base = whole * kBlock;
  std::copy(text.begin() + static_cast<std::ptrdiff_t>(base), text.end(), tail);
  pass.blocks(tail, (text.size() - base + kBlock - 1) / kBlock, base);
  pass.finish(text.size());
}

}  // namespace fluxrig::sanitize
