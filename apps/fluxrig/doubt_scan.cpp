#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>
#include <vector>

#include "base/diagnostics.hpp"
#include "cbor/decoder.hpp"
#include "fluxrig/doubt.hpp"
#include "fluxrig/record_json.hpp"
#include "model/record_codec.hpp"
#include "wal/control_body.hpp"
#include "wal/cursor.hpp"

namespace fluxrig::client {
namespace {

// Of hostile files: each damage is skipped to the next valid frame, so more than this is a file of noise.
constexpr std::uint64_t kMostDamages = 10'000;
constexpr int kMostAttempts = 10;

class Scan {
 public:
  [[nodiscard]] Result<void> take(const wal::StoredBlock& block) {
    const auto& head = block.view.head;
    machine_ = head.machine_id;
    newest_ = std::max(newest_, head.epoch);
    if (head.kind == model::BlockKind::kHeader) {
      if (auto body = wal::decode_header_body(block.view.body)) rack_ = std::move(body->rack);
      return {};
    }
    if (head.kind != model::BlockKind::kRecords) return {};
    cbor::Decoder items(block.view.records);
    for (std::uint32_t i = 0; i < head.count; ++i) {
      const auto item = items.skip();
      if (!item) return tl::unexpected(item.error());
      if (auto taken = take({head.epoch, {head.first.value + i}}, *item); !taken) return taken;
    }
    return {};
  }

  [[nodiscard]] std::string json(const DoubtRequest& request) const {
    std::string out;
    for (const auto& [key, open] : open_) {
      const bool in_flight = request.running && key.first == newest_;
      if (in_flight && !request.all) continue;
      out += fmt::format(R"({}{{"state":"{}","rack":"{}","machine_id":"{}",{})", out.empty() ? "" : ",\n",
                         in_flight ? "in_flight" : "in_doubt", escape_json(printable(rack_)),
                         to_string(machine_), record_as_json(open.place, open.intent).substr(1));
    }
    return "{\"doubt\":[" + out + "]}\n";
  }

 private:
  struct Open {
    RecordPlace place;
    model::Intent intent;
  };

  // Bytes that are no record of a kind that is known hold neither an intent nor an outcome of this version.
  [[nodiscard]] Result<void> take(const RecordPlace& place, ByteView item) {
    auto record = model::decode(item);
    if (!record) return {};
    if (const auto* outcome = std::get_if<model::Transaction>(&*record); outcome != nullptr) {
      if (const auto known = by_span_.find({place.epoch, outcome->span_id}); known != by_span_.end()) {
        open_.erase({place.epoch, known->second});
        by_span_.erase(known);
      }
    } else if (auto* intent = std::get_if<model::Intent>(&*record); intent != nullptr) {
      if (open_.size() >= kMostOpenIntents)
        return fail(ErrorCode::kOversize, "too many transactions are in doubt to list them");
      // A rack writes one for each transaction; of a second the first is taken for it.
      if (by_span_.emplace(std::pair{place.epoch, intent->span_id}, place.sequence).second)
        open_.emplace(std::pair{place.epoch, place.sequence}, Open{place, std::move(*intent)});
    }
    return {};
  }

  std::map<std::pair<Epoch, Sequence>, Open> open_;  // in the order of the directory
  std::map<std::pair<Epoch, SpanId>, Sequence> by_span_;
  MachineId machine_;
  std::string rack_;
  Epoch newest_;
};

// The places that were passed over.
Result<std::vector<wal::Damage>> read_all(wal::Disk& disk, const std::string& directory, Scan& scan) {
  wal::Cursor cursor(disk, directory, {});
  std::vector<wal::Damage> damages;
  for (;;) {
    const auto block = cursor.next();
    if (block && !*block) return damages;
    if (block) {
      if (const auto taken = scan.take(**block); !taken) return tl::unexpected(taken.error());
      continue;
    }
    if (block.error().code != ErrorCode::kCorrupt || !cursor.damage()) return tl::unexpected(block.error());
    damages.push_back(*cursor.damage());
    if (damages.size() >= kMostDamages) return fail(ErrorCode::kCorrupt, "too many damaged places");
    if (const auto skipped = cursor.skip_damage(); !skipped) return tl::unexpected(skipped.error());
  }
}

bool same_places(const std::vector<wal::Damage>& some, const std::vector<wal::Damage>& others) {
  return std::equal(some.begin(), some.end(), others.begin(), others.end(),
                    [](const auto& a, const auto& b) { return a.file == b.file && a.offset == b.offset; });
}

}  // namespace

Result<DoubtScan> scan_doubt(wal::Disk& disk, const DoubtRequest& request, std::FILE* complaints) {
  std::vector<wal::Damage> damages;
  for (int attempt = 1;; ++attempt) {
    Scan scan;
    auto found = read_all(disk, request.directory, scan);
    if (!found) return tl::unexpected(found.error());
    // A rack at work may have written the end of what was read as unwritten at its beginning: that is gone
    // when looked at again. Damage is not.
    const bool certain = !request.running || found->empty() || same_places(*found, damages);
    damages = *std::move(found);
    if (!certain && attempt < kMostAttempts) continue;
    for (const auto& damage : damages)
      fmt::print(complaints, "damage: {} at byte {}: {} (epoch {}, record {})\n", printable(damage.file),
                 damage.offset, damage.what, damage.epoch.value, damage.sequence.value);
    return DoubtScan{scan.json(request), damages.size()};
  }
}

bool is_in_use(const std::string& directory) {
  const int file = ::open((directory + "/lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  // A shared lock, for an instant: two of these do not take each other for a rack.
  const bool held = ::flock(file, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
  ::close(file);
  return held;
}

}  // namespace fluxrig::client
