#include "fluxrig/wal_view.hpp"

#include <fmt/core.h>

#include "base/diagnostics.hpp"
#include "fluxrig/table.hpp"

namespace fluxrig::client {
namespace {

std::string last_sequence(const wal::SegmentScan& scan) {
  return scan.records == 0 ? "-" : fmt::format("{}", scan.end.value - 1);
}

std::string state_of(const wal::SegmentScan& scan) {
  if (scan.damage_count != 0) return fmt::format("damaged ({})", scan.damage_count);
  if (scan.torn_bytes != 0) return "unfinished";
  return scan.sealed ? "sealed" : "open";
}

std::string damage_text(const wal::Damage& damage) {
  return fmt::format("{} at byte {}: {} (epoch {}, record {})", damage.file, damage.offset, damage.what,
                     damage.epoch.value, damage.sequence.value);
}

std::string damages_json(const std::vector<wal::Damage>& damages) {
  std::string out;
  for (const auto& damage : damages)
    out += fmt::format(R"({}{{"file":"{}","offset":{},"epoch":{},"sequence":{},"what":"{}"}})",
                       out.empty() ? "" : ",", escape_json(damage.file), damage.offset, damage.epoch.value,
                       damage.sequence.value, escape_json(damage.what));
  return "[" + out + "]";
}

}  // namespace

std::string lane_directory(wal::Disk& disk, const std::string& directory) {
  const auto own = wal::list_segments(disk, directory);
  if (own && !own->empty()) return directory;
  const auto below = wal::list_segments(disk, directory + "/audit");
  return below ? directory + "/audit" : directory;
}

std::string render_segments(const std::vector<wal::SegmentSummary>& segments, const Terminal& terminal) {
  Table table({{"segment"},
               {"lane"},
               {"epoch", Align::kRight},
               {"first", Align::kRight},
               {"last", Align::kRight},
               {"records", Align::kRight},
               {"stored", Align::kRight},
               {"blocks", Align::kRight},
               {"bytes", Align::kRight},
               {"state"}});
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t receipted = 0;
  for (const auto& [scan, stored] : segments) {
    table.add({to_string(scan.name), std::string(to_string(scan.lane)),
               fmt::format("{}", scan.name.epoch.value), fmt::format("{}", scan.name.first.value),
               last_sequence(scan), fmt::format("{}", scan.records), fmt::format("{}", stored),
               fmt::format("{}", scan.blocks), fmt::format("{}", scan.tail), state_of(scan)});
    records += scan.records;
    bytes += scan.tail;
    receipted += stored;
  }
  return table.render(terminal) +
         fmt::format("{} segment{}, {} records, {} of them stored at the mixer, {} bytes\n", segments.size(),
                     segments.size() == 1 ? "" : "s", records, receipted, bytes);
}

std::string segments_as_json(const std::vector<wal::SegmentSummary>& segments) {
  std::string list;
  for (const auto& [scan, receipted] : segments)
    list += fmt::format(
        R"({}{{"segment":"{}","lane":"{}","machine_id":"{}","epoch":{},"first":{},"end":{},"records":{},"receipted":{},)"
        R"("blocks":{},"bytes":{},"file_bytes":{},"torn_bytes":{},"sealed":{},"damages":{}}})",
        list.empty() ? "" : ",", to_string(scan.name), to_string(scan.lane), to_string(scan.machine_id),
        scan.name.epoch.value, scan.name.first.value, scan.end.value, scan.records, receipted, scan.blocks,
        scan.tail, scan.file_bytes, scan.torn_bytes, scan.sealed, scan.damage_count);
  return "{\"segments\":[" + list + "]}\n";
}

std::string render_verification(const wal::Verification& verification, const std::string& directory,
                                const Terminal& terminal) {
  std::string out;
  for (const auto& finding : verification.findings)
    out += paint(terminal, Colour::kRed, "damage") + "  " + printable(damage_text(finding)) + "\n";
  if (verification.finding_count > verification.findings.size())
    out +=
        fmt::format("... and {} more findings\n", verification.finding_count - verification.findings.size());
  if (verification.torn_bytes != 0)
    out +=
        fmt::format("unfinished  {} bytes at the end of {} (byte {}): a crash or a rack at work, no damage\n",
                    verification.torn_bytes, printable(verification.torn_file), verification.torn_offset);
  out += fmt::format("{}: {} records, {} blocks, segments: {}, epochs: {}, {} bytes: ", printable(directory),
                     verification.records, verification.blocks, verification.segments, verification.epochs,
                     verification.bytes);
  if (verification.good()) return out + paint(terminal, Colour::kGreen, "no gap, no alteration") + "\n";
  return out +
         paint(terminal, Colour::kRed,
               fmt::format("{} finding{}", verification.finding_count,
                           verification.finding_count == 1 ? "" : "s")) +
         "\n";
}

std::string verification_as_json(const wal::Verification& verification, const std::string& directory) {
  return fmt::format(
      R"({{"directory":"{}","good":{},"segments":{},"epochs":{},"blocks":{},"records":{},"bytes":{},"torn_bytes":{},)"
      R"("finding_count":{},"findings":{}}})"
      "\n",
      escape_json(directory), verification.good(), verification.segments, verification.epochs,
      verification.blocks, verification.records, verification.bytes, verification.torn_bytes,
      verification.finding_count, damages_json(verification.findings));
}

}  // namespace fluxrig::client
