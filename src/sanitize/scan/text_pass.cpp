#include "sanitize/scan/text_pass.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/utf8.hpp"
#include "sanitize/scan/innocent.hpp"
#include "sanitize/scan/secret.hpp"

namespace fluxrig::sanitize {
namespace {

constexpr std::size_t kShownFirst = 6;
constexpr std::size_t kShownLast = 4;
constexpr std::size_t kLeastShown = 13;   // of shorter numbers too little would be hidden
constexpr std::size_t kLeastBase64 = 16;  // letters of twelve digits
constexpr std::size_t kHexOfLeast = 2 * kLeastCardDigits;

constexpr FinderRules kPlain{};
constexpr TextPass::Encoding kWhole{kPlain, false};
constexpr TextPass::Encoding kMixed{kPlain, true};
// Between single digits base64 shows no letter that the prefilter knows.
constexpr TextPass::Encoding kBase64{{.even_groups = false, .most_separators = 1}, false};
constexpr FinderRules kPacked{.even_groups = false, .most_separators = 0, .every_window = true};

// Overlapping hits become one; one with a stripe in it is a stripe.
void join(std::vector<Hit>& hits) {
  std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) { return a.begin < b.begin; });
  std::size_t kept = 0;
  for (const Hit& hit : hits) {
    if (kept > 0 && hit.begin < hits[kept - 1].end) {
      hits[kept - 1].end = std::max(hits[kept - 1].end, hit.end);
      hits[kept - 1].stripe |= hit.stripe;
    } else {
      hits[kept++] = hit;
    }
  }
  hits.resize(kept);
}

bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r';
}

bool is_escape(std::string_view text, std::size_t at) noexcept { return text[at] == '%' || text[at] == '\\'; }

}  // namespace

void suspect_everything(std::string_view text, Suspects& suspects) {
  suspects.runs.assign(1, {0, text.size()});
  suspects.triggers.clear();
  for (std::size_t i = 0; i < text.size(); ++i) suspects.triggers.push_back(static_cast<std::uint32_t>(i));
}

bool TextPass::run() {
  secrets();
  // A stripe whose separator is escaped is one only while its number is whole.
  escaped();
  plain();
  hex();
  base64();
  binary();
  return changed_;
}

void TextPass::overwrite(std::size_t begin, std::size_t end) noexcept {
  std::fill(text_.begin() + static_cast<std::ptrdiff_t>(begin),
            text_.begin() + static_cast<std::ptrdiff_t>(end), '*');
  changed_ = true;
}

void TextPass::mask_plain(const Hit& hit) noexcept {
  std::size_t total = 0;
  for (std::size_t i = hit.begin; i < hit.end; ++i) total += is_digit(text_[i]) ? 1 : 0;
  const bool show = options_.show_ends && total >= kLeastShown;
  std::size_t position = 0;
  for (std::size_t i = hit.begin; i < hit.end; ++i) {
    if (!is_digit(text_[i])) continue;
    if (!show || (position >= kShownFirst && position + kShownLast < total)) text_[i] = '*';
    ++position;
  }
  changed_ = true;
}

void TextPass::secrets() {
  for (const std::size_t at : suspects_.triggers) {
    if (is_escape(view(), at) || is_digit(text_[at])) continue;
    if (const auto value = find_secret(view(), at)) {
      overwrite(value->begin, value->end);
      ++findings_.secrets;
    }
  }
}

void TextPass::plain() {
  hits_.clear();
  for (const Run& run : suspects_.runs) find_numbers(view(), run.begin, run.end, kPlain, hits_);
  std::erase_if(hits_,
                [&](const Hit& hit) { return !hit.stripe && inside_iban(view(), hit.begin, hit.end); });
  join(hits_);
  for (const Hit& hit : hits_) {
    if (hit.stripe)
      overwrite(hit.begin, hit.end);
    else
      mask_plain(hit);
    ++(hit.stripe ? findings_.secrets : findings_.numbers);
  }
}

void TextPass::escaped() {
  bool percent = options_.everywhere;
  bool escapes = options_.everywhere;
  for (const std::size_t at : suspects_.triggers) {
    percent |= text_[at] == '%';
    escapes |= text_[at] == '\\';
  }
  if (percent) {
    decode_percent(view(), decoded_);
    decoded_numbers(kMixed);
  }
  if (escapes) {
    decode_escapes(view(), decoded_);
    decoded_numbers(kMixed);
  }
}

void TextPass::hex() {
  bool wanted = options_.everywhere;
  for (const std::size_t at : suspects_.triggers) wanted |= text_[at] == '2';
  for (const Run& run : suspects_.runs) wanted |= run.end - run.begin >= kHexOfLeast;
  for (unsigned phase = 0; wanted && phase < 2; ++phase) {
    decode_hex(view(), phase, decoded_);
    decoded_numbers(kWhole);
  }
}

void TextPass::base64() {
  std::size_t done = 0;
  for (const std::size_t at : suspects_.triggers) {
    if (at < done || (!options_.everywhere && (text_[at] < 'M' || text_[at] > 'O'))) continue;
    const Run run = base64_run(view(), at);
    if (run.end - run.begin < kLeastBase64) continue;
    done = run.end;
    for (unsigned phase = 0; phase < 4; ++phase) {
      decode_base64(view(), run, phase, decoded_);
      decoded_numbers(kBase64);
    }
  }
}

void TextPass::binary() {
  const bool is_text = !suspects_.high || is_utf8(view());
  if (!suspects_.control && is_text) return;
  utf16();
  if (!is_text) {
    decode_ebcdic(view(), decoded_);
    decoded_numbers(kWhole);
  }
  packed_digits(is_text);
  integers();
}

void TextPass::utf16() {
  if (view().find('\0') == std::string_view::npos) return;
  for (const Order order : {Order::kLittleEndian, Order::kBigEndian}) {
    for (unsigned phase = 0; phase < 2; ++phase) {
      decode_utf16(view(), order, phase, decoded_);
      decoded_numbers(kWhole);
    }
  }
}

// Most letters are also two packed digits. A number that could be a word is one: only where a byte of it, or
// one beside it, is no character of a text does it count.
void TextPass::packed_digits(bool is_text) {
  decode_packed_digits(view(), decoded_);
  hits_.clear();
  find_numbers(decoded_.text, 0, decoded_.text.size(), kPacked, hits_);
  std::erase_if(hits_, [&](const Hit& hit) {
    const std::size_t begin = decoded_.places[hit.begin].begin;
    const std::size_t end = decoded_.places[hit.end - 1].end;
    const auto near = view().substr(begin > 0 ? begin - 1 : 0, end - begin + 2);
    return std::none_of(near.begin(), near.end(),
                        [&](char c) { return is_control(c) || (!is_text && (c & 0x80) != 0); });
  });
  join(hits_);
  for (const Hit& hit : hits_) {
    overwrite(decoded_.places[hit.begin].begin, decoded_.places[hit.end - 1].end);
    ++(hit.stripe ? findings_.secrets : findings_.encoded);
  }
}

// Eight bytes of either order: numbers of at most 16 digits, whose two highest bytes are small.
void TextPass::integers() {
  constexpr std::int64_t kMost = 10'000'000'000'000'000;
  if (text_.size() < 8) return;
  for (std::size_t at = 0; at + 8 <= text_.size(); ++at) {
    const auto* bytes = as_bytes(view()).data() + at;
    const auto value = load_be64(bytes);
    const auto big = bytes[0] == 0 ? static_cast<std::int64_t>(value) : kMost;
    const auto little = bytes[7] == 0 ? static_cast<std::int64_t>(__builtin_bswap64(value)) : kMost;
    const bool found = (big < kMost && is_card_number(big)) || (little < kMost && is_card_number(little));
    if (!found) continue;
    overwrite(at, at + 8);
    ++findings_.encoded;
  }
}

void TextPass::decoded_numbers(const Encoding& encoding) {
  hits_.clear();
  find_numbers(decoded_.text, 0, decoded_.text.size(), encoding.rules, hits_);
  if (encoding.mixed)
    std::erase_if(hits_, [&](const Hit& hit) {
      return decoded_.places[hit.end - 1].end - decoded_.places[hit.begin].begin == hit.end - hit.begin;
    });
  join(hits_);
  for (const Hit& hit : hits_) {
    overwrite(decoded_.places[hit.begin].begin, decoded_.places[hit.end - 1].end);
    ++(hit.stripe ? findings_.secrets : findings_.encoded);
  }
}

}  // namespace fluxrig::sanitize
