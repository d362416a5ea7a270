#include "mixer/api/reply_text.hpp"

#include "base/diagnostics.hpp"
#include "mixer/api/json_text.hpp"
#include "sanitize/sanitizer.hpp"
#include "trace/context.hpp"

namespace fluxrig::mixer {

class ReplyMaker {
 public:
  static ReplyText of(std::string clean) { return {ReplyText::Clean{}, std::move(clean)}; }
};

ReplyText said(std::string_view text) {
  return ReplyMaker::of(escape_json(sanitize::mask_card_numbers(text)));
}

ReplyText quoted(std::string_view text) {
  return text.empty() ? ReplyText("null") : ReplyText::format("\"{}\"", said(text));
}

ReplyText id(const MachineId& machine) { return ReplyMaker::of(to_string(machine)); }
ReplyText id(UnixNanos time) { return ReplyMaker::of(to_rfc3339(time)); }

ReplyText time_or_null(UnixNanos time) {
  return time.value == 0 ? ReplyText("null") : ReplyText::format("\"{}\"", id(time));
}

ReplyText comma(bool before) { return before ? ReplyText(",") : ReplyText(); }

ReplyText uuid(std::string_view text) {
  const bool by_form = parse_uuid(text).has_value() || trace::parse_traceparent(text).has_value();
  return by_form ? ReplyMaker::of(std::string(text)) : said(text);
}

ReplyText hex(ByteView bytes) { return ReplyMaker::of(to_hex(bytes)); }

ReplyText json_object(std::string_view searched) { return ReplyMaker::of(normal_json_object(searched)); }

ReplyText number_or_null(std::string_view digits) {
  const bool number = !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  return number ? ReplyMaker::of(std::string(digits)) : ReplyText("null");
}

}  // namespace fluxrig::mixer
