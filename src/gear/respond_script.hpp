// What `respond` answers, by its settings. Pure: randomness is passed in. Any thread once built.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "gear/message.hpp"
#include "gear/route_match.hpp"
#include "gear/settings.hpp"

namespace fluxrig::gear {

class RespondScript {
 public:
  explicit RespondScript(const Settings& settings);

  struct Answer {
    bool is_dropped = false;  // nothing is to be answered, ever
    Message message;
  };
  [[nodiscard]] Answer answer(const Message& request, Random& random) const;
  // Uniform in mean - jitter to mean + jitter, never under 0.
  [[nodiscard]] std::int64_t latency_ms(Random& random) const noexcept;

  [[nodiscard]] static std::vector<Option> options();
  static void check(const Settings& settings, std::vector<yaml::Complaint>& complaints);

 private:
  using Values = std::vector<std::pair<std::string, std::string>>;
  struct Rule {
    std::string field;
    ValueMatch match;
    Values set;
    std::string payload;
    std::string status;
    bool drop;
  };
  [[nodiscard]] const Rule* rule_for(const Message& request) const noexcept;

  bool response_type_ = true;
  std::vector<std::string> echo_;
  Values set_;
  std::string payload_;
  std::string status_;
  bool authorization_ = true;
  double error_rate_ = 0;
  Values error_set_;
  std::string error_status_;
  double drop_rate_ = 0;
  std::int64_t mean_ms_ = 0;
  std::int64_t jitter_ms_ = 0;
  std::vector<Rule> rules_;
};

// Six digits that follow from the system trace audit number alone: tests and people can tell which is whose.
[[nodiscard]] std::string authorization_code(std::string_view stan);

}  // namespace fluxrig::gear
