#include "otlp/text.hpp"

#include "base/utf8.hpp"

namespace fluxrig::otlp {

std::string repaired(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t good = utf8_prefix(text);
    out += text.substr(0, good);
    text.remove_prefix(good);
    if (text.empty()) break;
    out += "\xef\xbf\xbd";
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace fluxrig::otlp
