// What travels along the wires: the bytes of a protocol, or their structured content, or both. One thread.
// Field values are overwritten before their memory is given back; so is the payload of a transaction at its
// end.
#pragma once

#include <cstring>  // explicit_bzero
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fluxrig::gear {

// A small ordered map of text; look-up is linear, which is the fastest for the tens of fields a message has.
class Fields {
 public:
  using Entry = std::pair<std::string, std::string>;

  Fields() noexcept = default;
  Fields(const Fields&) = default;
  Fields(Fields&&) noexcept = default;
  Fields& operator=(const Fields& other) {
    if (this == &other) return *this;
    clear();
    entries_ = other.entries_;
    return *this;
  }
  Fields& operator=(Fields&& other) noexcept {
    if (this == &other) return *this;
    clear();
    entries_ = std::move(other.entries_);
    return *this;
  }
  ~Fields() { clear(); }

  [[nodiscard]] const std::string* find(std::string_view name) const noexcept {
    for (const auto& entry : entries_)
      if (entry.first == name) return &entry.second;
    return nullptr;
  }
  // The value, or an empty view.
  [[nodiscard]] std::string_view get(std::string_view name) const noexcept {
    const auto* value = find(name);
    return value == nullptr ? std::string_view{} : std::string_view{*value};
  }
  // Replaces the value under `name` or appends it.
  void set(std::string_view name, std::string value) {
    for (auto& entry : entries_) {
      if (entry.first == name) {
        wipe(entry.second);
        entry.second = std::move(value);
        return;
      }
    }
    entries_.emplace_back(std::string(name), std::move(value));
  }
  // For a name that is known to be new: no search.
  void append(std::string_view name, std::string value) {
    entries_.emplace_back(std::string(name), std::move(value));
  }
  void erase(std::string_view name) {
    for (auto& entry : entries_)
      if (entry.first == name) wipe(entry.second);
    std::erase_if(entries_, [&](const Entry& entry) { return entry.first == name; });
  }
  void clear() noexcept {
    for (auto& entry : entries_) wipe(entry.second);
    entries_.clear();
  }
  void reserve(std::size_t count) { entries_.reserve(count); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] auto begin() const noexcept { return entries_.begin(); }
  [[nodiscard]] auto end() const noexcept { return entries_.end(); }
  friend bool operator==(const Fields&, const Fields&) = default;

  static void wipe(std::string& value) noexcept { ::explicit_bzero(value.data(), value.size()); }

 private:
  std::vector<Entry> entries_;
};

struct Message {
  std::string
      payload;    // the protocol's bytes as read, or as they are to be written; empty: only `fields` count
  Fields fields;  // content by name: ISO 8583 "mti", "2", "39"; JSON "amount", "card.pan"
  Fields meta;    // facts of the protocol by their OpenTelemetry names: "http.request.method", "url.path",
                  // "http.response.status_code", "content-type"

  // Overwrites and drops all of it.
  void wipe() noexcept {
    Fields::wipe(payload);
    payload.clear();
    fields.clear();
    meta.clear();
  }
};

}  // namespace fluxrig::gear
