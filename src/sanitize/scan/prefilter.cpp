#include "sanitize/scan/prefilter.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "sanitize/scan/card_number.hpp"

namespace fluxrig::sanitize {
namespace {

constexpr std::size_t kBlock = 64;
constexpr std::size_t kLookAhead = 2;
constexpr std::size_t kBatch = 16;
constexpr char kPadding = '~';  // of no class

constexpr std::uint8_t kDigit = 1;
constexpr std::uint8_t kRun = 2;
constexpr std::uint8_t kFirst = 4;  // a trigger may begin here
constexpr std::uint8_t kControl = 8;
constexpr std::uint8_t kHigh = 16;

constexpr auto kClasses = [] {
  std::array<std::uint8_t, 256> out{};
  for (unsigned c = 0; c < 256; ++c) {
    if (c >= '0' && c <= '9') out[c] |= kDigit | kRun;
    if (c >= 0x80) out[c] |= kHigh | kRun;
    if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') out[c] |= kControl;
  }
  for (const char c : std::string_view(" +-./_")) out[static_cast<unsigned char>(c)] |= kRun;
  for (const char c : std::string_view("MNO%\\2cCpPeErR")) out[static_cast<unsigned char>(c)] |= kFirst;
  return out;
}();

bool is_trigger(unsigned char a, unsigned char b, unsigned char c) noexcept {
  const unsigned second = b | 0x20U;
  const unsigned third = c | 0x20U;
  switch (a) {
    case 'M':
    case 'N':
    case 'O':  // two digits at the start of four base64 letters
      return (b | 0x10U) == 'T' || (b | 0x10U) == 'z';
    case '%':
      return (b & 0xFEU) == '2' || b == '5';
    case '\\':
      return second == 'u' || second == 'x';
    case '2':  // a separator with a letter in it, in hex, before a digit, another separator or the blank of a
               // dump
      return second >= 'b' && second <= 'f' && ((c & 0xFEU) == '2' || c == ' ');
    case 'c':
    case 'C':
      return second == 'v';
    case 'p':
    case 'P':
      return second == 'i' && third == 'n';
    case 'e':
    case 'E':
      return second == 'c' && third == 'u';
    default:  // 'r', 'R'
      return second == 'i' && third == 'f';
  }
}

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
      digits_ += static_cast<unsigned>(std::popcount(masks.digits & low_bits(lead)));
      if (lead == kBlock) return;
      close(base + lead);
      run &= ~low_bits(lead);
    }
    if (const auto trail = static_cast<unsigned>(std::countl_one(run)); trail > 0) {
      const std::uint64_t inner = low_bits(static_cast<unsigned>(kBlock) - trail);
      open_ = true;
      start_ = base + kBlock - trail;
      digits_ = static_cast<unsigned>(std::popcount(masks.digits & ~inner));
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
      if (static_cast<unsigned>(std::popcount(masks.digits & bits)) >= kLeastCardDigits)
        out_.push_back({base + first, base + first + size});
      starts &= ~bits;
    }
  }

  void close(std::size_t end) {
    if (open_ && digits_ >= kLeastCardDigits) out_.push_back({start_, end});
    open_ = false;
  }

 private:
  std::vector<Run>& out_;
  bool open_ = false;
  std::size_t start_ = 0;
  std::size_t digits_ = 0;
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
    runs_.close(size);
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
  std::uint8_t seen = 0;
  for (std::size_t block = 0; block < blocks; ++block, data += kBlock) {
    Masks masks{0, 0, 0};
    for (std::size_t i = 0; i < kBlock; ++i) {
      const auto c = static_cast<unsigned char>(data[i]);
      const std::uint8_t classes = kClasses[c];
      if (classes == 0) continue;
      seen |= classes;
      const std::uint64_t bit = std::uint64_t{1} << i;
      if ((classes & kDigit) != 0) masks.digits |= bit;
      if ((classes & kRun) != 0) masks.run |= bit;
      if ((classes & kFirst) != 0 &&
          is_trigger(c, static_cast<unsigned char>(data[i + 1]), static_cast<unsigned char>(data[i + 2])))
        masks.trigger |= bit;
    }
    out[block] = masks;
  }
  return ((seen & kControl) != 0 ? kControlFlag : 0U) | ((seen & kHigh) != 0 ? kHighFlag : 0U);
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
