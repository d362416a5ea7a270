#include "pressure/fair_share.hpp"

#include <algorithm>

namespace fluxrig::pressure {

void share_fairly(std::uint64_t budget, std::span<Claim> claims) {
  std::vector<Claim*> open;
  open.reserve(claims.size());
  double weights = 0;
  for (auto& claim : claims) {
    claim.granted = 0;
    if (claim.weight <= 0 || claim.most == 0) continue;
    open.push_back(&claim);
    weights += claim.weight;
  }
  // Those come first whose part will be more than they can use: what they leave raises the part of the rest.
  std::sort(open.begin(), open.end(), [](const Claim* left, const Claim* right) {
    return static_cast<double>(left->most) * right->weight < static_cast<double>(right->most) * left->weight;
  });
  std::uint64_t left = budget;
  for (auto* claim : open) {
    const double part = weights > 0 ? static_cast<double>(left) * std::min(claim->weight / weights, 1.0) : 0;
    // Both bounds: a double near 2^64 may round up.
    claim->granted = std::min({claim->most, left, static_cast<std::uint64_t>(std::min(part, 9e18))});
    left -= claim->granted;
    weights -= claim->weight;
  }
}

}  // namespace fluxrig::pressure
