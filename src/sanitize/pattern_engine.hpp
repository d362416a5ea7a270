// Users' patterns on Vectorscan or Hyperscan (libhs.so.5 of Debian), which is loaded when there is a rule and
// not before: a rack without rules carries neither its code nor its memory. One thread.
//
// Matching is linear in the text, whatever the pattern: there is no backtracking. What a pattern may cost is
// bounded when it is compiled.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fluxrig::sanitize {

class PatternEngine {
 public:
  static constexpr std::size_t kMostPatternBytes = 512;
  static constexpr std::size_t kMostWidth = 256;  // bytes that one match may take
  static constexpr std::size_t kMostCompiledBytes = std::size_t{4}
                                                    << 20;  // of all patterns, and again to scan
  static constexpr std::size_t kMostMatches = 4096;         // in one text

  struct Fault {
    std::size_t pattern = 0;        // its index
    std::optional<std::size_t> at;  // byte in it, where the library tells
    std::string why;                // a sentence
    bool of_all = false;  // not of one pattern: the library is missing, or together they are too large
  };
  struct Match {
    std::size_t pattern = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  [[nodiscard]] static tl::expected<std::unique_ptr<PatternEngine>, Fault> compile(
      const std::vector<std::string>& patterns);
  ~PatternEngine();
  PatternEngine(const PatternEngine&) = delete;
  PatternEngine& operator=(const PatternEngine&) = delete;

  // All matches, each from its leftmost start. False: there are more than kMostMatches, or it failed; the
  // text counts as one match then.
  [[nodiscard]] bool scan(std::string_view text, std::vector<Match>& matches);
  // Of the compiled patterns, and of what a scan needs.
  [[nodiscard]] std::size_t compiled_bytes() const noexcept;

 private:
  struct Parts;
  explicit PatternEngine(std::unique_ptr<Parts> parts) noexcept;
  std::unique_ptr<Parts> parts_;
};

}  // namespace fluxrig::sanitize
