#include "sink/duckdb/utf8_text.hpp"

#include "base/utf8.hpp"

namespace fluxrig::sink {

std::string_view valid_utf8(std::string_view text, std::string& scratch) {
  auto good = utf8_prefix(text);
  if (good == text.size()) return text;
  scratch.clear();
  while (!text.empty()) {
    scratch.append(text, 0, good);
    text.remove_prefix(good);
    if (text.empty()) break;
    scratch += "\xEF\xBF\xBD";
    text.remove_prefix(1);
    good = utf8_prefix(text);
  }
  return scratch;
}

}  // namespace fluxrig::sink
