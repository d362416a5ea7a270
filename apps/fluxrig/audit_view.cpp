#include "fluxrig/audit_view.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/diagnostics.hpp"

namespace fluxrig::client {
namespace {

constexpr std::size_t kMostShown = 100;
constexpr std::size_t kMostKeys = 1000;

std::string loss_text(const wal::DeclaredLoss& loss) {
  const auto& body = loss.body;
  std::string text = fmt::format("declared loss: epoch {}, before sequence {}: {}", loss.epoch.value,
                                 loss.sequence.value, printable(body.cause));
  if (body.count) text += fmt::format(", {} records", *body.count);
  if (body.range && body.range->first <= body.range->last)
    text += fmt::format(", sequences {} to {} of epoch {}", body.range->first.value, body.range->last.value,
                        body.range->epoch.value);
  text += fmt::format(", from {}", to_rfc3339(body.from));
  return text + (body.to ? fmt::format(" to {}", to_rfc3339(*body.to))
                         : std::string(" to the start of the next epoch, number unknown"));
}

std::string fault_text(const wal::ChainFault& fault) {
  return fmt::format("{}: epoch {}, sequence {}: {}", to_string(fault.kind), fault.epoch.value,
                     fault.sequence.value, printable(fault.what));
}

std::string keys_text(const AuditVerdict& verdict, const wal::VerifiedMachine& one) {
  if (one.report.keys.empty()) return "no key: nothing is signed\n";
  std::string text;
  for (const auto& key : one.report.keys)
    text +=
        fmt::format("key {}{}\n", to_hex(key),
                    verdict.keys_given ? "" : " (named by the chain itself; '--key' holds it against yours)");
  return text;
}

std::string machine_text(const AuditVerdict& verdict, const wal::VerifiedMachine& one,
                         const Terminal& terminal) {
  const auto& report = one.report;
  std::string text = fmt::format("{}{}: ", one.machine.name.empty() ? "" : printable(one.machine.name) + " ",
                                 to_string(one.machine.machine_id));
  text += paint(terminal, report.good() ? Colour::kGreen : Colour::kRed, printable(wal::summary(report)));
  text += "\n";
  for (std::size_t i = 1; i < std::min(report.faults.size(), kMostShown); ++i)
    text += fault_text(report.faults[i]) + "\n";
  if (report.fault_count > kMostShown) text += fmt::format("and {} more\n", report.fault_count - kMostShown);
  for (std::size_t i = 0; i < std::min(report.losses.size(), kMostShown); ++i)
    text += loss_text(report.losses[i]) + "\n";
  return text + keys_text(verdict, one);
}

std::string store_text(const CheckedStore& store, const Terminal& terminal) {
  const bool good = store.fault_count == 0;
  std::string text =
      good ? fmt::format("{} Parquet files, as they were written", store.files)
           : fmt::format("{} of {} Parquet files are not what was written", store.fault_count, store.files);
  text = "store: " + paint(terminal, good ? Colour::kGreen : Colour::kRed, text) + "\n";
  if (store.unhashed != 0)
    text += fmt::format("{} of them have no hash yet: nothing can be said of them\n", store.unhashed);
  for (std::size_t i = 0; i < std::min(store.faults.size(), kMostShown); ++i)
    text += fmt::format("{}: {}\n", printable(store.faults[i].what), printable(store.faults[i].file));
  if (store.fault_count > kMostShown) text += fmt::format("and {} more\n", store.fault_count - kMostShown);
  return text;
}

std::string loss_json(const wal::DeclaredLoss& loss) {
  const auto& body = loss.body;
  std::string out = fmt::format(R"({{"epoch":{},"sequence":{},"cause":"{}","from":{})", loss.epoch.value,
                                loss.sequence.value, escape_json(body.cause), body.from.value);
  if (body.count) out += fmt::format(R"(,"count":{})", *body.count);
  if (body.to) out += fmt::format(R"(,"to":{})", body.to->value);
  if (body.range)
    out += fmt::format(R"(,"range":[{},{},{}])", body.range->epoch.value, body.range->first.value,
                       body.range->last.value);
  return out + "}";
}

template <typename Items, typename Text>
std::string list_json(const Items& items, Text&& text) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ",") + text(item);
  return "[" + out + "]";
}

std::string machine_json(const wal::VerifiedMachine& one) {
  const auto& report = one.report;
  std::string out = fmt::format(
      R"({{"machine_id":"{}","name":"{}","good":{},"summary":"{}","records":{},"blocks":{},"epochs":{},"checkpoints":{},)"
      R"("last_epoch":{},"next":{},"signed_to":{},"unsigned_tail":{},"lost_records":{},"fault_count":{})",
      to_string(one.machine.machine_id), escape_json(one.machine.name), report.good(),
      escape_json(wal::summary(report)), report.records, report.blocks, report.epochs, report.checkpoints,
      report.last_epoch.value, report.next.value, report.signed_to.value, report.unsigned_records,
      report.lost_records, report.fault_count);
  out +=
      ",\"faults\":" + list_json(report.faults, [](const wal::ChainFault& fault) {
        return fmt::format(R"({{"kind":"{}","epoch":{},"sequence":{},"what":"{}"}})", to_string(fault.kind),
                           fault.epoch.value, fault.sequence.value, escape_json(fault.what));
      });
  out += ",\"losses\":" + list_json(report.losses, loss_json);
  return out +
         ",\"keys\":" + list_json(report.keys, [](const auto& key) { return "\"" + to_hex(key) + "\""; }) +
         "}";
}

}  // namespace

bool AuditVerdict::good() const noexcept {
  if (store && store->fault_count != 0) return false;
  return std::all_of(machines.begin(), machines.end(), [](const auto& one) { return one.report.good(); });
}

std::string render_audit(const AuditVerdict& verdict, const Terminal& terminal) {
  std::string text;
  for (const auto& one : verdict.machines) text += machine_text(verdict, one, terminal);
  if (verdict.store) text += store_text(*verdict.store, terminal);
  if (verdict.machines.empty()) text += "no block at all\n";
  if (verdict.torn_bytes != 0)
    text += fmt::format("unfinished: {} bytes at the end, a crash or a rack at work\n", verdict.torn_bytes);
  return text;
}

std::string audit_as_json(const AuditVerdict& verdict) {
  std::string store;
  if (verdict.store) {
    const auto faults = list_json(verdict.store->faults, [](const CheckedStore::Fault& fault) {
      return fmt::format(R"({{"file":"{}","what":"{}"}})", escape_json(fault.file), escape_json(fault.what));
    });
    store = fmt::format(R"("store":{{"files":{},"bytes":{},"unhashed":{},"fault_count":{},"faults":{}}},)",
                        verdict.store->files, verdict.store->bytes, verdict.store->unhashed,
                        verdict.store->fault_count, faults);
  }
  return fmt::format(R"({{"path":"{}","good":{},"torn_bytes":{},"keys_given":{},{}"machines":{}}})"
                     "\n",
                     escape_json(verdict.path), verdict.good(), verdict.torn_bytes, verdict.keys_given, store,
                     list_json(verdict.machines, machine_json));
}

Outcome<std::vector<wal::PublicKey>> parse_keys(const std::string& text) {
  std::vector<wal::PublicKey> keys;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    line = line.substr(0, line.find('#'));
    std::erase_if(line, [](char c) { return c == ' ' || c == '\t' || c == '\r'; });
    if (line.empty()) continue;
    const auto bytes = from_hex(line);
    wal::PublicKey key{};
    if (!bytes || bytes->size() != key.size() || keys.size() == kMostKeys)
      return problem(fmt::format("line {} is not a public key: 64 hex digits", number));
    std::copy(bytes->begin(), bytes->end(), key.begin());
    keys.push_back(key);
  }
  if (keys.empty()) return problem("it holds no public key: 64 hex digits a line");
  return keys;
}

}  // namespace fluxrig::client
