// One pass of clean_text over a text: each encoding in turn, in a fixed order. Private to the scanner. One
// thread.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "sanitize/scan/decoded.hpp"
#include "sanitize/scan/free_text.hpp"
#include "sanitize/scan/number_finder.hpp"
#include "sanitize/scan/prefilter.hpp"

namespace fluxrig::sanitize {

// Every place, as if there were no prefilter.
void suspect_everything(std::string_view text, Suspects& suspects);

class TextPass {
 public:
  struct Options {
    bool everywhere;  // every encoding, whatever is suspected
    bool show_ends;   // leave the first 6 and last 4 digits
  };
  struct Encoding {
    FinderRules rules;
    bool mixed;  // stands among plain characters: a number without an encoded one is not its business
  };
  TextPass(std::span<char> text, const Suspects& suspects, Options options, Findings& findings) noexcept
      : text_(text), suspects_(suspects), options_(options), findings_(findings) {}

  // True when something was overwritten.
  [[nodiscard]] bool run();

 private:
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), text_.size()}; }
  void secrets();
  void plain();
  void escaped();
  void hex();
  void base64();
  void binary();
  void utf16();
  void packed_digits(bool is_text);
  void integers();
  void mask_plain(const Hit& hit) noexcept;
  void overwrite(std::size_t begin, std::size_t end) noexcept;
  // Looks through `decoded_` and overwrites what its hits were decoded from.
  void decoded_numbers(const Encoding& encoding);

  std::span<char> text_;
  const Suspects& suspects_;
  Options options_;
  Findings& findings_;
  Decoded decoded_;
  std::vector<Hit> hits_;
  bool changed_ = false;
};

}  // namespace fluxrig::sanitize
