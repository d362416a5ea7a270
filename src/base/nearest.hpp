// The name somebody probably meant. Any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace fluxrig {

// The candidate with the smallest edit distance (insert, delete, replace, swap of neighbours) to `name`, case
// folded; empty when none is within a third of the name's length (at least 1, at most 3).
[[nodiscard]] std::string nearest_name(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace fluxrig
