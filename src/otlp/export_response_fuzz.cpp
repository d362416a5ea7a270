// Any bytes as a back end's answer, in both encodings: decoded or refused, and what is kept of its text is
// short and printable.
#include <algorithm>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "otlp/export_response.hpp"

namespace {

void check_text(std::string_view text) {
  FR_ASSERT(text.size() <= fluxrig::otlp::kMaxAnswerText);
  FR_ASSERT(std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig::otlp;
  const auto body = fluxrig::as_text({data, size});
  for (const auto protocol : {Protocol::kHttpProtobuf, Protocol::kHttpJson}) {
    if (const auto decoded = decode_response(body, protocol)) {
      check_text(decoded->message);
      FR_ASSERT(decoded->rejected <= static_cast<std::uint64_t>(INT64_MAX));
    }
    check_text(decode_status_message(body, protocol));
  }
  return 0;
}
