#include "sanitize/emv.hpp"

#include <algorithm>
#include <array>

#include "sanitize/build.hpp"

namespace fluxrig::sanitize {
namespace {

struct Allowed {
  std::uint32_t tag;
  std::uint8_t most;  // bytes
};

// Ascending by tag.
constexpr std::array kAllowed = {
    Allowed{0x4F, 16},    // application identifier
    Allowed{0x50, 16},    // application label
    Allowed{0x82, 2},     // application interchange profile
    Allowed{0x84, 16},    // dedicated file name
    Allowed{0x8A, 2},     // authorisation response code
    Allowed{0x95, 5},     // terminal verification results
    Allowed{0x9A, 3},     // transaction date
    Allowed{0x9B, 2},     // transaction status information
    Allowed{0x9C, 1},     // transaction type
    Allowed{0x5F28, 2},   // issuer country
    Allowed{0x5F2A, 2},   // transaction currency
    Allowed{0x5F34, 1},   // PAN sequence number
    Allowed{0x5F36, 1},   // currency exponent
    Allowed{0x9F02, 6},   // amount, authorised
    Allowed{0x9F03, 6},   // amount, other
    Allowed{0x9F06, 16},  // application identifier, terminal
    Allowed{0x9F07, 2},   // application usage control
    Allowed{0x9F09, 2},   // application version
    Allowed{0x9F0D, 5},   // issuer action code, default
    Allowed{0x9F0E, 5},   // issuer action code, denial
    Allowed{0x9F0F, 5},   // issuer action code, online
    Allowed{0x9F15, 2},   // merchant category
    Allowed{0x9F16, 15},  // merchant identifier
    Allowed{0x9F1A, 2},   // terminal country
    Allowed{0x9F1C, 8},   // terminal identifier
    Allowed{0x9F1E, 8},   // serial number of the interface device
    Allowed{0x9F21, 3},   // transaction time
    Allowed{0x9F26, 8},   // application cryptogram
    Allowed{0x9F27, 1},   // cryptogram information
    Allowed{0x9F33, 3},   // terminal capabilities
    Allowed{0x9F34, 3},   // cardholder verification results
    Allowed{0x9F35, 1},   // terminal type
    Allowed{0x9F36, 2},   // application transaction counter
    Allowed{0x9F37, 4},   // unpredictable number
    Allowed{0x9F39, 1},   // entry mode
    Allowed{0x9F40, 5},   // additional terminal capabilities
    Allowed{0x9F41, 4},   // transaction sequence counter
};
constexpr std::uint32_t kPan = 0x5A;
constexpr std::size_t kMostPan = 10;

class Reader {
 public:
  explicit Reader(std::vector<EmvField>& out) noexcept : out_(out) {}

  [[nodiscard]] Result<void> read(ByteView bytes, unsigned depth) {
    if (depth > kMostEmvDepth) return fail(ErrorCode::kOversize, "EMV templates are nested too deep");
    while (!bytes.empty()) {
      if (bytes.front() == 0) {  // padding
        bytes = bytes.subspan(1);
        continue;
      }
      const bool constructed = (bytes.front() & 0x20) != 0;
      std::uint32_t tag = 0;
      std::size_t size = 0;
      if (!take_tag(bytes, tag)) return fail(ErrorCode::kTruncated, "an EMV tag is cut or too long");
      if (!take_length(bytes, size))
        return fail(ErrorCode::kTruncated, "an EMV length is cut or of no form allowed");
      if (size > bytes.size()) return fail(ErrorCode::kTruncated, "an EMV value is cut");
      const auto value = bytes.first(size);
      bytes = bytes.subspan(size);
      if (constructed) {
        if (const auto inner = read(value, depth + 1); !inner) return inner;
        continue;
      }
      if (out_.size() == kMostEmvFields) return fail(ErrorCode::kOversize, "too many EMV fields");
      out_.push_back({tag, emv_action(tag, size), value});
    }
    return {};
  }

 private:
  static bool take_tag(ByteView& bytes, std::uint32_t& tag) noexcept {
    tag = bytes.front();
    std::size_t used = 1;
    if ((tag & 0x1F) == 0x1F) {
      bool more = true;
      for (; more && used < 3 && used < bytes.size(); ++used) {
        tag = (tag << 8) | bytes[used];
        more = (bytes[used] & 0x80) != 0;
      }
      if (more) return false;
    }
    bytes = bytes.subspan(used);
    return true;
  }

  static bool take_length(ByteView& bytes, std::size_t& size) noexcept {
    if (bytes.empty()) return false;
    const std::size_t first = bytes.front();
    const std::size_t extra = first < 0x80 ? 0 : first - 0x80;
    if (first == 0x80 || extra > 2 || bytes.size() < 1 + extra) return false;
    size = extra == 0 ? first : extra == 1 ? bytes[1] : load_be16(&bytes[1]);
    bytes = bytes.subspan(1 + extra);
    return true;
  }

  std::vector<EmvField>& out_;
};

}  // namespace

Action emv_action(std::uint32_t tag, std::size_t size) noexcept {
  if (!kSanitises) return Action::kKeep;
  if (tag == kPan) return size <= kMostPan ? Action::kToken : Action::kDrop;
  const auto* found =
      std::find_if(kAllowed.begin(), kAllowed.end(), [&](const Allowed& a) { return a.tag == tag; });
  return found != kAllowed.end() && size <= found->most ? Action::kKeep : Action::kDrop;
}

Result<std::vector<EmvField>> read_emv(ByteView bytes) {
  std::vector<EmvField> out;
  if (const auto read = Reader(out).read(bytes, 0); !read) return tl::unexpected(read.error());
  return out;
}

std::string packed_digits(ByteView value) {
  std::string out;
  bool filled = false;
  for (const auto byte : value) {
    for (const unsigned nibble : {unsigned{byte} >> 4U, unsigned{byte} & 15U}) {
      if (nibble == 15) {
        filled = true;
      } else if (nibble > 9 || filled) {
        return {};
      } else {
        out.push_back(static_cast<char>('0' + nibble));
      }
    }
  }
  return out;
}

}  // namespace fluxrig::sanitize
