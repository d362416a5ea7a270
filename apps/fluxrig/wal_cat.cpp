#include <fmt/core.h>

#include "cbor/decoder.hpp"
#include "fluxrig/entry_json.hpp"
#include "fluxrig/record_json.hpp"
#include "fluxrig/wal_view.hpp"
#include "gear/bus/spool_entry.hpp"
#include "model/record_codec.hpp"

namespace fluxrig::client {
namespace {

// Of hostile files: each damage is skipped to the next valid frame, so more than this is a file of noise.
constexpr std::uint64_t kMostDamages = 10'000;

class Cat {
 public:
  Cat(const CatRequest& request, std::FILE* out) : request_(request), out_(out) {}

  void print(const wal::StoredBlock& block) {
    if (block.view.head.kind != model::BlockKind::kRecords) return;
    cbor::Decoder items(block.view.records);
    for (std::uint32_t i = 0; i < block.view.head.count && !full(); ++i) {
      const auto item = items.skip();
      if (!item) return;  // the block's decoder has counted the items; this cannot be
      const RecordPlace place{block.view.head.epoch, {block.view.head.first.value + i}};
      if (place.epoch == request_.start.epoch && place.sequence < request_.start.sequence) continue;
      print(place, block.view.head.lane, *item);
    }
  }
  [[nodiscard]] bool full() const noexcept { return request_.limit != 0 && result.records >= request_.limit; }

  CatResult result;

 private:
  void print(const RecordPlace& place, model::Lane lane, ByteView item) {
    ++result.records;
    const auto text = as_json(place, lane, item);
    if (!text) ++result.undecodable;
    fmt::print(out_, "{}\n", text ? *text : undecodable_as_json(place, item.size(), text.error()));
  }
  static Result<std::string> as_json(const RecordPlace& place, model::Lane lane, ByteView item) {
    switch (lane) {
      case model::Lane::kSpool:
        return gear::bus::decode_spool_entry(item).map(
            [&](const snake::Outgoing& message) { return message_as_json(place, message); });
      case model::Lane::kTelemetry:
        return lane::decode_backlog_entry(item).map(
            [&](const lane::BacklogEntry& entry) { return batch_as_json(place, entry); });
      case model::Lane::kAudit:
        break;
    }
    return model::decode(item).map(
        [&](const model::Record& record) { return record_as_json(place, record); });
  }

  const CatRequest& request_;
  std::FILE* out_;
};

}  // namespace

Result<CatResult> cat_records(wal::Disk& disk, const CatRequest& request, std::FILE* out,
                              std::FILE* complaints) {
  wal::Cursor cursor(disk, request.directory, request.start);
  Cat cat(request, out);
  while (!cat.full()) {
    const auto block = cursor.next();
    if (block && !*block) break;
    if (block) {
      cat.print(**block);
      continue;
    }
    if (block.error().code != ErrorCode::kCorrupt || !cursor.damage()) return tl::unexpected(block.error());
    const auto& damage = *cursor.damage();
    fmt::print(complaints, "damage: {} at byte {}: {} (epoch {}, record {})\n", printable(damage.file),
               damage.offset, damage.what, damage.epoch.value, damage.sequence.value);
    if (++cat.result.damages >= kMostDamages) return fail(ErrorCode::kCorrupt, "too many damaged places");
    if (const auto skipped = cursor.skip_damage(); !skipped) return tl::unexpected(skipped.error());
  }
  return cat.result;
}

}  // namespace fluxrig::client
