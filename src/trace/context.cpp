#include "trace/context.hpp"

#include <array>
#include <utility>
#include <vector>

#include "trace/probability.hpp"

namespace fluxrig::trace {
namespace {

constexpr std::size_t kTraceparentSize = 55;
constexpr std::size_t kMaxMembers = 32;
constexpr std::size_t kMaxKeySize = 256;
constexpr std::size_t kMaxValueSize = 256;
constexpr std::size_t kMaxTracestateSize = 512;
constexpr std::size_t kLongMemberSize = 128;

// Upper case is forbidden by the standard, so base's from_hex would take too much.
int lower_hex(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

template <std::size_t N>
bool parse_hex(std::string_view text, std::array<std::uint8_t, N>& out) noexcept {
  for (std::size_t i = 0; i < N; ++i) {
    const int high = lower_hex(text[2 * i]);
    const int low = lower_hex(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

tl::unexpected<Error> bad_traceparent() noexcept { return fail(ErrorCode::kInvalid, "not a traceparent"); }

bool is_white(char c) noexcept { return c == ' ' || c == '\t'; }

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_white(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_white(text.back())) text.remove_suffix(1);
  return text;
}

bool begins_key(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool continues_key(char c) noexcept {
  return begins_key(c) || c == '_' || c == '-' || c == '*' || c == '/' || c == '@';
}

bool is_key(std::string_view key) noexcept {
  if (key.empty() || key.size() > kMaxKeySize || !begins_key(key[0])) return false;
  for (const char c : key)
    if (!continues_key(c)) return false;
  return true;
}

// Printable ASCII without ',' and '='; it may begin but not end with a space, and is not empty.
bool is_value(std::string_view value) noexcept {
  if (value.empty() || value.size() > kMaxValueSize || value.back() == ' ') return false;
  for (const char c : value)
    if (c < 0x20 || c > 0x7e || c == ',' || c == '=') return false;
  return true;
}

bool is_member(std::string_view member) noexcept {
  const auto equals = member.find('=');
  return equals != std::string_view::npos && is_key(member.substr(0, equals)) &&
         is_value(member.substr(equals + 1));
}

std::size_t joined_size(const std::vector<std::string_view>& members) noexcept {
  std::size_t size = members.empty() ? 0 : members.size() - 1;
  for (const auto member : members) size += member.size();
  return size;
}

// The standard's advice on limits: long members first, then from the end, where the oldest stand.
void shorten(std::vector<std::string_view>& members) {
  for (std::size_t i = members.size(); i > 0 && joined_size(members) > kMaxTracestateSize; --i)
    if (members[i - 1].size() > kLongMemberSize)
      members.erase(members.begin() + static_cast<std::ptrdiff_t>(i - 1));
  while (joined_size(members) > kMaxTracestateSize) members.pop_back();
}

std::string join(const std::vector<std::string_view>& members) {
  std::string text;
  text.reserve(joined_size(members));
  for (const auto member : members) {
    if (!text.empty()) text += ',';
    text += member;
  }
  return text;
}

void erase_false_threshold(Context& context) {
  const auto stated = parse_probability(context.tracestate);
  if (!stated.threshold) return;
  const bool reached = randomness_of(context.trace_id, stated) >= *stated.threshold;
  if (reached != context.sampled()) context.tracestate = without_threshold(context.tracestate);
}

}  // namespace

Result<Context> parse_traceparent(std::string_view text) noexcept {
  // version "-" trace-id "-" parent-id "-" flags: 2, 32, 16 and 2 digits.
  if (text.size() < kTraceparentSize || text[2] != '-' || text[35] != '-' || text[52] != '-')
    return bad_traceparent();
  std::array<std::uint8_t, 1> version{};
  std::array<std::uint8_t, 1> flags{};
  Context context;
  if (!parse_hex(text, version) || !parse_hex(text.substr(3), context.trace_id.bytes) ||
      !parse_hex(text.substr(36), context.span_id.bytes) || !parse_hex(text.substr(53), flags))
    return bad_traceparent();
  if (version[0] == 0xff) return bad_traceparent();
  if (text.size() > kTraceparentSize && (version[0] == 0 || text[kTraceparentSize] != '-'))
    return bad_traceparent();
  if (context.trace_id.is_zero() || context.span_id.is_zero()) return bad_traceparent();
  // Of a higher version's flags the standard promises the meaning of one.
  context.flags = flags[0] & (version[0] == 0 ? kSampled | kRandom : kSampled);
  return context;
}

std::string format_traceparent(const TraceId& trace_id, const SpanId& span_id, std::uint8_t flags) {
  std::string text;
  text.reserve(kTraceparentSize);
  text += "00-";
  text += to_hex(trace_id.view());
  text += '-';
  text += to_hex(span_id.view());
  text += '-';
  text += to_hex({&flags, 1});
  return text;
}

Result<std::string> parse_tracestate(std::string_view text) {
  std::vector<std::string_view> members;
  while (true) {
    const auto comma = text.find(',');
    const std::string_view member = trim(text.substr(0, comma));
    if (!member.empty()) {
      if (members.size() == kMaxMembers)
        return fail(ErrorCode::kInvalid, "more than 32 members in a tracestate");
      if (!is_member(member)) return fail(ErrorCode::kInvalid, "a malformed member in a tracestate");
      members.push_back(member);
    }
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  shorten(members);
  return join(members);
}

std::optional<Context> extract(std::string_view traceparent, std::string_view tracestate) {
  auto context = parse_traceparent(traceparent);
  if (!context) return std::nullopt;
  if (auto state = parse_tracestate(tracestate)) context->tracestate = std::move(*state);
  erase_false_threshold(*context);
  return std::move(*context);
}

}  // namespace fluxrig::trace
