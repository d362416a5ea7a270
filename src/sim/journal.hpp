// What happened in a run, for the one who looks at a failure: the last events as text, and a digest of all of
// them, by which two runs of one seed are compared. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace fluxrig::sim {

class Journal {
 public:
  static constexpr std::size_t kKept = 64;

  // `actor` and `what` are literals.
  struct Event {
    std::int64_t time = 0;
    const char* actor = "";
    const char* what = "";
    std::uint64_t a = 0;
    std::uint64_t b = 0;
  };

  void add(const Event& event);
  [[nodiscard]] std::uint64_t events() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t digest() const noexcept { return digest_; }
  [[nodiscard]] std::string last() const;  // one line an event
  void print_all() noexcept { printing_ = true; }

 private:
  void mix(std::uint64_t value) noexcept;

  std::array<Event, kKept> events_{};
  std::uint64_t count_ = 0;
  std::uint64_t digest_ = 0xcbf29ce484222325U;
  bool printing_ = false;
};

}  // namespace fluxrig::sim
