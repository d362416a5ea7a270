#include "wal/recovery.hpp"

#include <algorithm>

#include "wal/active_segment.hpp"
#include "wal/chain.hpp"
#include "wal/epoch_file.hpp"
#include "wal/frame_reader.hpp"
#include "wal/receipts.hpp"
#include "wal/spare_pool.hpp"

namespace fluxrig::wal {
namespace {

// A header is smaller: so little garbage without any valid frame is a crash while the segment was made.
constexpr std::uint64_t kHeaderRemainsBytes = 4096;

class RecoveryRun {
 public:
  RecoveryRun(Disk& disk, const Clock& clock, const std::string& directory, const EpochChoice& epochs)
      : disk_(disk), clock_(clock), directory_(directory), epochs_(epochs) {}

  Result<Recovery> run() {
    if (const auto dropped = drop_spares(disk_, directory_); !dropped) return tl::unexpected(dropped.error());
    auto names = list_segments(disk_, directory_);
    if (!names) return tl::unexpected(names.error());
    if (const auto last = take_last(*names); !last) return tl::unexpected(last.error());
    if (const auto taken = take_earlier(*names); !taken) return tl::unexpected(taken.error());
    if (const auto chosen = choose_epoch(*names); !chosen) return tl::unexpected(chosen.error());
    if (const auto linked = link_over_garbage(*names); !linked) return tl::unexpected(linked.error());
    Recovered& recovered = recovery_.recovered;
    recovered.segments = recovery_.segments.size();
    for (const auto& segment : recovery_.segments) recovered.bytes += segment.file_bytes;
    return std::move(recovery_);
  }

 private:
  // From the end: removes what a crash left while a segment was made, repairs the one before it.
  Result<void> take_last(std::vector<SegmentName>& names) {
    while (!names.empty()) {
      auto file = disk_.open(path_of(directory_, names.back()), OpenMode::kReadWrite);
      if (!file) return tl::unexpected(file.error());
      const auto scan = scan_segment(**file, names.back());
      if (!scan) return tl::unexpected(scan.error());
      if (scan->blocks == 0 && scan->torn_bytes <= kHeaderRemainsBytes) {
        file->reset();
        if (const auto gone = disk_.unlink(path_of(directory_, names.back())); !gone) return gone;
        highest_epoch_ = std::max(highest_epoch_, names.back().epoch.value);
        names.pop_back();
        continue;
      }
      note_damages(*scan);
      return repair(std::move(*file), *scan);
    }
    return {};
  }

  Result<void> repair(std::unique_ptr<File> file, const SegmentScan& scan) {
    ClosedSegment closed{scan.name, scan.file_bytes, scan.end, true};
    if (scan.blocks == 0) {
      // Garbage as a whole: kept for the operator to look at.
      if (scan.damages.empty())
        recovery_.recovered.damages.push_back(
            {to_string(scan.name), 0, scan.name.epoch, scan.name.first, "no valid frame in the segment"});
      closed.exact = false;
      closed.end.value = scan.name.first.value + 1;
      recovery_.segments.push_back(closed);
      return {};
    }
    recovery_.owner = scan.machine_id;
    Chain chain({scan.machine_id, scan.lane, scan.name.epoch}, scan.end, scan.head);
    ActiveSegment segment(std::move(file), scan.name, scan.tail, scan.file_bytes);
    if (!scan.sealed || scan.torn_bytes > 0) {
      if (const auto done = cut_and_seal(segment, scan, chain); !done) {
        // Full: what is stored must still be shipped, which is what frees the space. Otherwise the start
        // fails: a new epoch would name an end of this one that the disk may not have.
        if (done.error().code != ErrorCode::kFull) return done;
        recovery_.recovered.seal_error = done.error();
        if (const auto cleared = segment.clear_soiled(); !cleared) return cleared;
        if (const auto synced = segment.sync(); !synced) return synced;
      }
    } else if (const auto synced = segment.sync(); !synced) {
      // A kill may have come between the seal and its sync: the next epoch must not name what a power loss
      // can still take.
      return synced;
    }
    closed.file_bytes = segment.file_bytes();
    recovery_.segments.push_back(closed);
    recovery_.recovered.link = EpochLink{scan.name.epoch, chain.next(), chain.head()};
    return {};
  }

  Result<void> cut_and_seal(ActiveSegment& segment, const SegmentScan& scan, Chain& chain) {
    std::uint64_t blocks = scan.blocks;
    if (scan.torn_bytes > 0) {
      Recovered& recovered = recovery_.recovered;
      recovered.cut_bytes = scan.torn_bytes;
      recovered.cut_file = to_string(scan.name);
      recovered.cut_offset = scan.tail;
      // Bytes after a seal are cleared, and the seal stays the last block.
      if (scan.sealed) {
        if (const auto cleared = segment.clear_tail(scan.torn_bytes); !cleared) return cleared;
        return segment.sync();
      }
      // One write for the recovery block and the zeros behind it, on disk before anything else: they may be a
      // rotten last block, and a crash at any point must find either them or what tells of them.
      segment.overwrite_tail(scan.torn_bytes);
      Bytes body;
      encode_recovery_body({scan.torn_bytes, scan.tail}, body);
      if (const auto done = append(segment, chain, model::BlockKind::kRecovery, body); !done) return done;
      if (const auto synced = segment.sync(); !synced) return synced;
      ++blocks;
    }
    Bytes body;
    encode_seal_body({blocks, scan.records}, body);
    if (const auto done = append(segment, chain, model::BlockKind::kSeal, body); !done) return done;
    return segment.sync();
  }

  Result<void> append(ActiveSegment& segment, Chain& chain, model::BlockKind kind, ByteView body) {
    const auto block = chain.build({kind, 0, {}, body}, clock_.now());
    if (!block) return tl::unexpected(block.error());
    if (const auto written = segment.append(*block); !written) return written;
    chain.advance();
    return {};
  }

  // Everything before the last: only what the names do not tell is read.
  Result<void> take_earlier(const std::vector<SegmentName>& names) {
    std::vector<ClosedSegment> earlier;
    for (std::size_t i = 0; i + 1 < names.size(); ++i) {
      ClosedSegment closed{names[i], 0, names[i + 1].first, false};
      const auto file = disk_.open(path_of(directory_, names[i]), OpenMode::kRead);
      if (!file) return tl::unexpected(file.error());
      const auto size = (*file)->size();
      if (!size) return tl::unexpected(size.error());
      closed.file_bytes = *size;
      if (names[i + 1].epoch != names[i].epoch) {
        const auto scan = scan_segment(**file, names[i]);
        if (!scan) return tl::unexpected(scan.error());
        note_damages(*scan);
        closed.end = scan->end;
        closed.exact = true;
      }
      earlier.push_back(closed);
    }
    recovery_.segments.insert(recovery_.segments.begin(), earlier.begin(), earlier.end());
    return {};
  }

  Result<void> choose_epoch(const std::vector<SegmentName>& names) {
    if (!names.empty()) highest_epoch_ = std::max(highest_epoch_, names.back().epoch.value);
    if (const auto receipts = Receipts::load(disk_, directory_))
      highest_epoch_ = std::max(highest_epoch_, receipts->newest_epoch().value);
    const auto stored = load_epoch(disk_, directory_);
    if (stored) {
      highest_epoch_ = std::max(highest_epoch_, stored->epoch.value);
      recovery_.recovered.before = stored->epoch;
      recovery_.owner = stored->machine_id;
      // It was known when that epoch ended; its last segments may be released or damaged since.
      const auto later = stored->link ? ends_later(*stored->link) : Result<bool>(false);
      if (!later) return tl::unexpected(later.error());
      if (*later) recovery_.recovered.link = stored->link;
    } else if (stored.error().code != ErrorCode::kNotFound) {
      recovery_.recovered.epoch_file_damaged = true;
      epochs_.unsure = true;
    } else if (highest_epoch_ == 0) {
      recovery_.recovered.before = Epoch{};
    }
    epochs_.highest = highest_epoch_;
    recovery_.recovered.epoch = next_epoch(epochs_);
    return {};
  }

  // Whether the file `epoch` knows a later end than the segments, of which some may be gone. It may also be
  // older than they are: written while no segment was open, or by a start that could not seal the last one.
  Result<bool> ends_later(const EpochLink& stored) {
    const auto& link = recovery_.recovered.link;
    if (!link || link->epoch != stored.epoch) return !link || link->epoch < stored.epoch;
    if (link->end != stored.end) return link->end < stored.end;
    const SegmentName& last = recovery_.segments.back().name;
    if (last.first >= stored.end) return false;
    const auto held = holds(last, stored.head);
    return held ? Result<bool>(!*held) : held;
  }

  Result<bool> holds(const SegmentName& name, const model::Hash& hash) {
    const auto file = disk_.open(path_of(directory_, name), OpenMode::kRead);
    if (!file) return tl::unexpected(file.error());
    FrameReader reader(**file);
    for (;;) {
      const auto step = reader.next();
      if (!step) return tl::unexpected(step.error());
      if (step->state != FrameState::kBlock) return false;
      if (model::hash_block(step->block) == hash) return true;
    }
  }

  // The last segment is unreadable as a whole: the chain ends, for all that is known, in the one before it.
  Result<void> link_over_garbage(const std::vector<SegmentName>& names) {
    for (auto name = names.rbegin(); name != names.rend() && !recovery_.recovered.link; ++name) {
      const auto scan = scan_segment(disk_, directory_, *name);
      if (!scan) return tl::unexpected(scan.error());
      if (scan->blocks > 0) recovery_.recovered.link = EpochLink{name->epoch, scan->end, scan->head};
    }
    return {};
  }

  void note_damages(const SegmentScan& scan) {
    auto& damages = recovery_.recovered.damages;
    for (const auto& damage : scan.damages)
      if (damages.size() < SegmentScan::kMaxDamages) damages.push_back(damage);
  }

  Disk& disk_;
  const Clock& clock_;
  const std::string& directory_;
  Recovery recovery_;
  EpochChoice epochs_;
  std::uint32_t highest_epoch_ = 0;
};

}  // namespace

Result<Recovery> recover(Disk& disk, const Clock& clock, const std::string& directory,
                         const EpochChoice& epochs) {
  return RecoveryRun(disk, clock, directory, epochs).run();
}

}  // namespace fluxrig::wal
