// The scanner for text that comes in chunks, split anywhere: what could still become part of a number is held
// back. One thread; the owner calls finish() at the end, or the held bytes are never let out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "sanitize/scan/free_text.hpp"

namespace fluxrig::sanitize {

class Stream {
 public:
  // Appends to `out` what can be let go; together with finish() as many bytes as came in.
  void feed(std::string_view chunk, std::string& out);
  void finish(std::string& out);

  [[nodiscard]] const Findings& findings() const noexcept { return findings_; }

  // Longer than any number or stripe in any encoding.
  static constexpr std::size_t kContext = 1024;
  // Bytes at the end that are not yet looked at: a number may be incomplete there.
  static constexpr std::size_t kUnsettled = 256;

 private:
  void clean(std::size_t size);

  std::string held_;
  Findings findings_;
};

}  // namespace fluxrig::sanitize
