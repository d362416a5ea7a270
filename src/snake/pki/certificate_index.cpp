#include "snake/pki/certificate_index.hpp"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "base/yaml.hpp"
#include "sanitize/sanitizer.hpp"
#include "snake/pki/openssl_handles.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::snake {

namespace {

constexpr std::array<std::string_view, 4> kRoles{"rack", "mixer", "server", "client"};
constexpr std::int64_t kWarnBefore = 30 * 24 * 3600 * kNanosPerSecond;

std::optional<CertificateRole> parse_role(std::string_view text) {
  for (std::size_t i = 0; i < kRoles.size(); ++i)
    if (kRoles[i] == text) return static_cast<CertificateRole>(i);
  return std::nullopt;
}

std::optional<UnixNanos> parse_time(const std::string& text) {
  std::tm parts{};
  const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (end == nullptr || (*end != 'Z' && *end != '.')) return std::nullopt;
  const auto seconds = static_cast<std::int64_t>(::timegm(&parts));
  if (seconds < 0 || seconds > INT64_MAX / kNanosPerSecond) return std::nullopt;
  return UnixNanos{seconds * kNanosPerSecond};
}

// The names go into the server's configuration between quotes: nothing that could end them.
bool plain(std::string_view text) noexcept {
  for (const char c : text)
    if (c < ' ' || c >= 0x7f || c == '"' || c == '\\') return false;
  return !text.empty() && text.size() <= 256;
}

std::string scalar_of(const yaml::Node& node, std::string_view key) {
  const yaml::Node* value = node.find(key);
  return value != nullptr && value->is_scalar() ? value->scalar : std::string{};
}

std::optional<IndexEntry> parse_entry(const yaml::Node& node, std::string& why) {
  IndexEntry entry;
  entry.name = scalar_of(node, "name");
  entry.subject = scalar_of(node, "subject");
  entry.serial = scalar_of(node, "serial");
  const auto role = parse_role(scalar_of(node, "role"));
  const auto until = parse_time(scalar_of(node, "not_after"));
  if (!valid_name_token(entry.name))
    why = "'name' must be letters, digits, '-' or '_'";
  else if (!role)
    why = "'role' must be rack, mixer, server or client";
  else if (!plain(entry.subject))
    why = "'subject' is missing or holds quotes";
  else if (!until)
    why = "'not_after' must be a time like 2027-01-31T00:00:00Z";
  if (!why.empty()) return std::nullopt;
  entry.role = *role;
  entry.not_after = *until;
  if (entry.role != CertificateRole::kRack) return entry;
  const auto id = parse_uuid(scalar_of(node, "machine_id"));
  if (!id)
    why = "'machine_id' of a rack must be a UUID";
  else if (!valid_rack_name(entry.name))
    why = "a rack's name must not hold '__' or end in '_'";
  if (!why.empty()) return std::nullopt;
  entry.machine_id = MachineId{*id};
  return entry;
}

}  // namespace

std::string_view to_string(CertificateRole role) noexcept { return kRoles[static_cast<std::size_t>(role)]; }

const IndexEntry* CertificateIndex::find(CertificateRole role, std::string_view name) const noexcept {
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
    if (entry->role == role && entry->name == name) return &*entry;
  return nullptr;
}

Outcome<CertificateIndex> parse_index(std::string_view text, std::string_view file) {
  const auto tree = yaml::parse(text);
  if (!tree) return problem(yaml::render(tree.error(), file, text, sanitize::mask_card_numbers));
  const yaml::Node* list = tree->find("certificates");
  if (scalar_of(*tree, "version") != "1" || list == nullptr || !(list->is_sequence() || list->is_null()))
    return problem(fmt::format("'{}' is no certificate index of version 1; restore it from a backup", file));
  if (list->items.size() > kMaxIndexEntries)
    return problem(fmt::format("'{}' holds over {} certificates", file, kMaxIndexEntries));
  CertificateIndex index;
  for (const auto& node : list->items) {
    std::string why;
    auto entry = parse_entry(node, why);
    if (!entry) return problem(fmt::format("{}:{}:{}: {}", file, node.mark.line, node.mark.column, why));
    index.entries.push_back(std::move(*entry));
  }
  return index;
}

std::string render_index(const CertificateIndex& index) {
  std::string text =
      "# Written by 'fluxrig pki'. The mixer reads its users from here.\nversion: 1\ncertificates:";
  if (index.entries.empty()) text += " []";
  text += '\n';
  for (const auto& entry : index.entries) {
    text += fmt::format("  - name: \"{}\"\n    role: {}\n", entry.name, to_string(entry.role));
    if (entry.machine_id) text += fmt::format("    machine_id: \"{}\"\n", to_string(*entry.machine_id));
    text += fmt::format("    subject: \"{}\"\n    serial: \"{}\"\n    not_after: \"{}\"\n", entry.subject,
                        entry.serial, to_rfc3339(entry.not_after));
  }
  return text;
}

Outcome<CertificateIndex> load_index(const std::string& directory) {
  const auto path = directory + "/index.yaml";
  const auto text = read_text_file(path, yaml::kMaxBytes);
  if (!text) return problem(text.error().message + "; is this the directory that 'fluxrig pki init' made?");
  return parse_index(*text, path);
}

Outcome<void> save_index(const std::string& directory, const CertificateIndex& index) {
  return replace_file(directory + "/index.yaml", render_index(index), 0644);
}

std::string describe_index(const CertificateIndex& index, UnixNanos now) {
  std::string text = fmt::format("{:<24} {:<7} {:<36}  {}\n", "name", "role", "machine_id", "not after");
  for (const auto& entry : index.entries) {
    const auto left = entry.not_after.value - now.value;
    const auto days = left / (24 * 3600 * kNanosPerSecond);
    std::string note;
    if (left <= 0)
      note = "  expired: issue a new one";
    else if (left < kWarnBefore)
      note = fmt::format("  expires in {} days: issue a new one", days);
    text += fmt::format("{:<24} {:<7} {:<36}  {}{}\n", entry.name, to_string(entry.role),
                        entry.machine_id ? to_string(*entry.machine_id) : "-",
                        to_rfc3339(entry.not_after).substr(0, 10), note);
  }
  return text;
}

}  // namespace fluxrig::snake
