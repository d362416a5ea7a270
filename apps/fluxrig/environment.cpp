#include "fluxrig/environment.hpp"

#include <unistd.h>

namespace fluxrig::client {

rack::Environment fluxrig_environment() {
  rack::Environment variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (!text.starts_with("FLUXRIG_") || equals == std::string_view::npos) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

}  // namespace fluxrig::client
