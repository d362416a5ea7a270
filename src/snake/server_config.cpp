#include "snake/server_config.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "snake/pki/openssl_handles.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::snake {

namespace {

constexpr ServerVersion kSyncIntervalSince{2, 10, 0};
constexpr std::size_t kMaxGrantBytes = 4U << 20;

using Subjects = std::vector<std::string>;

std::string quoted_list(const Subjects& subjects) {
  std::string text = "[";
  for (const auto& subject : subjects) text += fmt::format("{}\"{}\"", text.size() == 1 ? "" : ", ", subject);
  return text + "]";
}

Subjects rack_publishes(const IndexEntry& rack, const MessageGrants& grants) {
  const MachineId& machine = *rack.machine_id;
  Subjects subjects{fmt::format("flux.msg.{}.>", rack.name),
                    audit_subject(machine),
                    telemetry_subject(machine),
                    hello_subject(machine),
                    heartbeat_subject(machine),
                    context_subject(rack.name),
                    control_reply_subject(machine)};
  for (const auto& gear : grants.gears_of(rack.name))
    subjects.push_back(fmt::format("$JS.ACK.{}.{}.>", kStreamMessages, consumer_name(rack.name, gear)));
  return subjects;
}

Subjects rack_subscribes(const IndexEntry& rack) {
  const MachineId& machine = *rack.machine_id;
  return {receipt_subject(machine),
          pressure_subject(machine),
          "flux.pressure.all",
          std::string(kContextFilter),
          control_subject(machine),
          fmt::format("flux.deliver.{}.>", to_string(machine)),
          fmt::format("{}.>", inbox_prefix(to_string(machine)))};
}

std::string render_users(const CertificateIndex& index, const MessageGrants& grants) {
  std::string text;
  std::set<std::string_view> seen;  // a renewed certificate has the subject of the one before
  for (const auto& entry : index.entries) {
    if (entry.role != CertificateRole::kRack && entry.role != CertificateRole::kMixer) continue;
    if (!seen.insert(entry.subject).second) continue;
    if (entry.role == CertificateRole::kMixer) {
      text += fmt::format("    {{ user: \"{}\" }}  # mixer {}\n", entry.subject, entry.name);
      continue;
    }
    text += fmt::format(
        "    {{ user: \"{}\",  # rack {}\n      permissions: {{\n        publish: {{ allow: {} }}\n        "
        "subscribe: {{ "
        "allow: {} }}\n      }} }}\n",
        entry.subject, entry.name, quoted_list(rack_publishes(entry, grants)),
        quoted_list(rack_subscribes(entry)));
  }
  return text;
}

bool quotable(const std::string& text) noexcept {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return c == '"' || c == '\\' || (c >= 0 && c < ' '); });
}

}  // namespace

Result<bool> MessageGrants::add(std::string_view rack, std::string_view gear) {
  if (!valid_rack_name(rack) || !valid_name_token(gear))
    return fail(ErrorCode::kInvalid, "the name of a rack or gear is no subject token");
  auto& gears = gears_[std::string(rack)];
  if (gears.contains(gear)) return false;
  if (gears.size() >= kMaxGears) return fail(ErrorCode::kFull, "a rack has too many consuming gears");
  gears.emplace(gear);
  return true;
}

const std::set<std::string, std::less<>>& MessageGrants::gears_of(std::string_view rack) const {
  static const std::set<std::string, std::less<>> kNone;
  const auto found = gears_.find(rack);
  return found == gears_.end() ? kNone : found->second;
}

Outcome<MessageGrants> MessageGrants::load(const std::string& path) {
  MessageGrants grants;
  std::error_code absent;
  if (!std::filesystem::exists(path, absent)) return grants;
  const auto text = read_text_file(path, kMaxGrantBytes);
  if (!text) return problem(text.error().message);
  std::istringstream lines(*text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const auto cut = line.find(' ');
    if (cut == std::string::npos || !grants.add(line.substr(0, cut), line.substr(cut + 1)))
      return problem(fmt::format(
          "{}:{}: not '<rack> <gear>'; delete the file, racks announce their gears again", path, number));
  }
  return grants;
}

Outcome<void> MessageGrants::save(const std::string& path) const {
  std::string text;
  for (const auto& [rack, gears] : gears_)
    for (const auto& gear : gears) text += fmt::format("{} {}\n", rack, gear);
  return replace_file(path, text, 0644);
}

Outcome<std::uint64_t> bounded_store_bytes(const std::string& directory, std::uint64_t wanted) {
  struct statvfs space {};
  if (::statvfs(directory.c_str(), &space) != 0)
    return problem(fmt::format("cannot use the store directory '{}': {}", directory, std::strerror(errno)));
  std::uint64_t used = 0;
  std::error_code error;
  for (auto file = std::filesystem::recursive_directory_iterator(directory, error);
       !error && file != std::filesystem::recursive_directory_iterator(); file.increment(error)) {
    std::error_code gone;
    if (file->is_regular_file(gone))
      used += static_cast<std::uint64_t>(file->file_size(gone)) * (gone ? 0 : 1);
  }
  const std::uint64_t room = (std::uint64_t{space.f_bavail} * space.f_frsize + used) / 5 * 4;
  return std::min(wanted, room);
}

Outcome<std::string> render_server_config(const ServerSettings& settings, const CertificateIndex& index,
                                          const MessageGrants& grants, ServerVersion version) {
  for (const auto* text :
       {&settings.name, &settings.host, &settings.certificate_authority, &settings.certificate, &settings.key,
        &settings.store_directory, &settings.log_file, &settings.pid_file})
    if (!quotable(*text)) return problem(fmt::format("'{}' holds a quote or a control character", *text));
  const auto users = render_users(index, grants);
  if (users.empty())
    return problem(
        "the certificate index names no rack and no mixer: nobody could connect; issue some with 'fluxrig "
        "pki "
        "issue'");
  std::string text = "# Written by fluxrig-mixer: changes are lost.\n";
  text +=
      fmt::format("server_name: \"{}\"\nlisten: \"{}:{}\"\n", settings.name, settings.host, settings.port);
  if (settings.monitor_port != 0) text += fmt::format("http: \"127.0.0.1:{}\"\n", settings.monitor_port);
  if (!settings.pid_file.empty()) text += fmt::format("pid_file: \"{}\"\n", settings.pid_file);
  if (!settings.log_file.empty())
    text += fmt::format("log_file: \"{}\"\nlogfile_size_limit: {}\n", settings.log_file, 16U << 20);
  text += fmt::format(
      "max_payload: {}\nmax_connections: {}\nping_interval: \"5s\"\nping_max: 2\nwrite_deadline: \"10s\"\n",
      settings.max_payload_bytes, settings.max_connections);
  text += fmt::format(
      "tls {{\n  cert_file: \"{}\"\n  key_file: \"{}\"\n  ca_file: \"{}\"\n  verify_and_map: true\n  "
      "timeout: 5\n}}\n",
      settings.certificate, settings.key, settings.certificate_authority);
  text += fmt::format("jetstream {{\n  store_dir: \"{}\"\n  max_file_store: {}\n  max_memory_store: {}\n",
                      settings.store_directory, settings.max_file_bytes, settings.max_memory_bytes);
  if (version >= kSyncIntervalSince) text += "  sync_interval: always\n";
  text += "}\nauthorization {\n  users: [\n" + users + "  ]\n}\n";
  return text;
}

}  // namespace fluxrig::snake
