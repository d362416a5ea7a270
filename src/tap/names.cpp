#include "tap/names.hpp"

namespace fluxrig::tap {
namespace {

// Index 0 is the empty name of every table.
template <std::size_t N>
std::uint16_t intern(std::array<std::string, N>& table,
                     std::unordered_map<std::string_view, std::uint16_t>& ids, std::string_view text) {
  if (const auto known = ids.find(text); known != ids.end()) return known->second;
  const std::size_t next = ids.size() + 1;
  if (text.empty() || next >= N) return 0;
  table[next] = text;
  ids.emplace(table[next], static_cast<std::uint16_t>(next));
  return static_cast<std::uint16_t>(next);
}

}  // namespace

NameId Names::name(std::string_view name) {
  const NameId id{intern(names_, name_ids_, name)};
  if (id.value == 0 && !name.empty()) overflows_.fetch_add(1, std::memory_order_relaxed);
  return id;
}

FieldId Names::field(std::string_view name, sanitize::Action action) {
  const FieldId id{intern(fields_, field_ids_, name)};
  if (id.value == 0) {
    // An unnamed field is never recorded: whatever it was meant to hold is dropped.
    actions_[0].store(sanitize::Action::kDrop, std::memory_order_relaxed);
    overflows_.fetch_add(1, std::memory_order_relaxed);
    return id;
  }
  auto& known = actions_[id.value];
  // Actions are declared from the mildest to the strictest.
  if (action > known.load(std::memory_order_relaxed)) known.store(action, std::memory_order_relaxed);
  return id;
}

}  // namespace fluxrig::tap
