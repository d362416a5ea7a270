#include "wal/inspect.hpp"

#include <algorithm>
#include <optional>

namespace fluxrig::wal {
namespace {

Result<std::uint64_t> size_of(Disk& disk, const std::string& path) {
  const auto file = disk.open(path, OpenMode::kRead);
  if (!file) return tl::unexpected(file.error());
  return (*file)->size();
}

// Scans every segment; those that are released meanwhile are left out.
Result<void> scan_all(Disk& disk, const std::string& directory, const Progress& progress,
                      const std::function<void(const SegmentScan&)>& take) {
  const auto names = list_segments(disk, directory);
  if (!names) return tl::unexpected(names.error());
  std::uint64_t all = 0;
  if (progress) {
    for (const auto& name : *names) all += size_of(disk, path_of(directory, name)).value_or(0);
  }
  std::uint64_t done = 0;
  for (const auto& name : *names) {
    const auto scan = scan_segment(disk, directory, name);
    if (!scan && scan.error().code == ErrorCode::kNotFound) continue;
    if (!scan) return tl::unexpected(scan.error());
    take(*scan);
    done += scan->file_bytes;
    if (progress) progress(done, all);
  }
  return {};
}

// Of the records [first, end), how many have receipts.
std::uint64_t receipted_of(const Receipts& receipts, const SegmentScan& scan) {
  std::uint64_t sum = 0;
  for (const auto& range : receipts.ranges(scan.name.epoch)) {
    const std::uint64_t first = std::max(range.first.value, scan.name.first.value);
    const std::uint64_t end = std::min(range.last.value + 1, scan.end.value);
    if (end > first) sum += end - first;
  }
  return sum;
}

class Verifier {
 public:
  explicit Verifier(Receipts receipts) : receipts_(std::move(receipts)) {}

  void take(const SegmentScan& scan) {
    if (last_) {
      finish_earlier(*last_);
      join(*last_, scan);
    } else {
      begin(scan);
    }
    ++result_.segments;
    result_.blocks += scan.blocks;
    result_.records += scan.records;
    result_.bytes += scan.file_bytes;
    result_.finding_count += scan.damage_count;
    for (const auto& damage : scan.damages)
      if (result_.findings.size() < Verification::kMaxFindings) result_.findings.push_back(damage);
    if (!last_ || last_->name.epoch != scan.name.epoch) ++result_.epochs;
    last_ = scan;
  }

  Verification finish() {
    if (last_) finish_last(*last_);
    return std::move(result_);
  }

 private:
  void find(const SegmentScan& scan, std::uint64_t offset, Sequence sequence, const char* what) {
    ++result_.finding_count;
    if (result_.findings.size() < Verification::kMaxFindings)
      result_.findings.push_back({to_string(scan.name), offset, scan.name.epoch, sequence, what});
  }

  // The last segment may end anywhere; what a seal has closed, and what has another segment after it, may
  // not.
  void finish_last(const SegmentScan& scan) {
    if (scan.torn_bytes == 0) return;
    if (scan.sealed) {
      find(scan, scan.tail, scan.end, "bytes after the seal");
      return;
    }
    result_.torn_bytes = scan.torn_bytes;
    result_.torn_file = to_string(scan.name);
    result_.torn_offset = scan.tail;
  }

  void finish_earlier(const SegmentScan& scan) {
    if (scan.torn_bytes > 0)
      find(scan, scan.tail, scan.end, scan.sealed ? "bytes after the seal" : "a bad frame at the end");
    else if (!scan.sealed)
      find(scan, scan.tail, scan.end, "the segment has no seal, and it is not the last");
  }

  void begin(const SegmentScan& scan) {
    if (scan.name.first.value > 1 && !released({scan.name.epoch}, 1, scan.name.first.value)) {
      find(scan, 0, Sequence{1}, "the epoch's records before this segment are missing");
    } else if (scan.name.first.value == 1) {
      check_start(scan);
    }
  }

  [[nodiscard]] bool released(Epoch epoch, std::uint64_t first, std::uint64_t end) const {
    return receipts_.covers(epoch, {Sequence{first}, Sequence{end - 1}});
  }

  void check_start(const SegmentScan& scan) {
    if (scan.blocks > 0 && scan.first_previous != model::Hash{})
      find(scan, 0, scan.name.first, "the epoch's first block names one before it");
  }

  void join(const SegmentScan& before, const SegmentScan& scan) {
    if (scan.machine_id != before.machine_id || scan.lane != before.lane)
      find(scan, 0, scan.name.first, "the segment is of another rack or lane");
    if (scan.name.epoch != before.name.epoch) {
      join_epochs(before, scan);
    } else if (scan.name.first > before.end) {
      if (!released(scan.name.epoch, before.end.value, scan.name.first.value))
        find(scan, 0, before.end, "records between this segment and the one before it are missing");
    } else if (scan.name.first < before.end) {
      find(scan, 0, scan.name.first, "the segment begins inside the one before it");
    } else if (scan.blocks > 0 && before.blocks > 0 && scan.first_previous != before.head) {
      find(scan, 0, scan.name.first, "the hash of the segment before it does not match");
    }
  }

  void join_epochs(const SegmentScan& before, const SegmentScan& scan) {
    begin(scan);
    if (scan.name.first.value > 1 || scan.blocks == 0) return;
    if (!scan.link) {
      find(scan, 0, scan.name.first, "the epoch is not linked to the one before it");
    } else if (scan.link->epoch < before.name.epoch) {
      find(scan, 0, scan.name.first, "the epoch is linked to an older one than the one before it");
    } else if (scan.link->epoch == before.name.epoch) {
      if (scan.link->end > before.end && released(before.name.epoch, before.end.value, scan.link->end.value))
        return;
      if (scan.link->end != before.end || scan.link->head != before.head)
        find(scan, 0, before.end, "the epoch before this one does not end as this one's link says");
    }
  }

  Receipts receipts_;
  Verification result_;
  std::optional<SegmentScan> last_;
};

}  // namespace

Result<std::vector<SegmentSummary>> summarize(Disk& disk, const std::string& directory,
                                              const Progress& progress) {
  const Receipts receipts = Receipts::load(disk, directory).value_or(Receipts());
  std::vector<SegmentSummary> summaries;
  const auto done = scan_all(disk, directory, progress, [&](const SegmentScan& scan) {
    summaries.push_back({scan, receipted_of(receipts, scan)});
  });
  if (!done) return tl::unexpected(done.error());
  return summaries;
}

Result<Verification> verify(Disk& disk, const std::string& directory, const Progress& progress) {
  // Unreadable receipts excuse nothing; that is the safe side.
  Verifier verifier(Receipts::load(disk, directory).value_or(Receipts()));
  const auto done =
      scan_all(disk, directory, progress, [&](const SegmentScan& scan) { verifier.take(scan); });
  if (!done) return tl::unexpected(done.error());
  return verifier.finish();
}

}  // namespace fluxrig::wal
