// What a scenario says of the sanitiser: rules of its own under `sanitize`, read and compiled once to find
// every mistake before anything starts; where its keys come from. Any thread.
#pragma once

#include <string_view>
#include <vector>

#include "base/yaml.hpp"
#include "gear/settings.hpp"
#include "sanitize/key_command.hpp"
#include "sanitize/user_rules.hpp"

namespace fluxrig::rack {

[[nodiscard]] gear::Option keys_options();
[[nodiscard]] gear::Option sanitize_options();

[[nodiscard]] sanitize::KeyCommand key_command_of(const gear::Settings& keys,
                                                  std::vector<yaml::Complaint>& complaints);
// `text`: of the whole file, so that a complaint can point into a pattern.
[[nodiscard]] std::vector<sanitize::UserRule> read_rules(const gear::Settings& sanitizing,
                                                         std::string_view text,
                                                         std::vector<yaml::Complaint>& complaints);

// Where the byte `index` of a scalar stands that begins at `mark`, quotes and escapes counted; `mark` when it
// is not on the scalar's first line.
[[nodiscard]] yaml::Mark mark_inside(std::string_view text, yaml::Mark mark, std::size_t index);

}  // namespace fluxrig::rack
