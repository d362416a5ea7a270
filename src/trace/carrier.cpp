#include "trace/carrier.hpp"

namespace fluxrig::trace {
namespace {

// `wanted` is in lower case.
bool same_name(std::string_view name, std::string_view wanted) noexcept {
  if (name.size() != wanted.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != wanted[i]) return false;
  }
  return true;
}

void join(std::string& list, std::string_view more) {
  if (!list.empty() && !more.empty()) list.push_back(',');
  list.append(more);
}

}  // namespace

void Carrier::take(std::string_view name, std::string_view value) {
  if (same_name(name, "traceparent")) {
    ++traceparents_;
    traceparent_.assign(value);
  } else if (same_name(name, "tracestate")) {
    join(tracestate_, value);
  } else if (same_name(name, "baggage")) {
    join(baggage_, value);
  }
}

void Carrier::clear() noexcept {
  for (auto* text : {&traceparent_, &tracestate_, &baggage_}) text->clear();
  traceparents_ = 0;
}

std::optional<Context> Carrier::context() const {
  return traceparents_ == 1 ? extract(traceparent_, tracestate_) : std::nullopt;
}

}  // namespace fluxrig::trace
