#include "snake/bus.hpp"

namespace fluxrig::snake {

std::string_view Delivery::header(std::string_view name) const noexcept {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return {};
}

}  // namespace fluxrig::snake
