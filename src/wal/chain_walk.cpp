#include "wal/chain_walk.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "wal/frame_reader.hpp"

namespace fluxrig::wal {
namespace {

class Walker {
 public:
  Walker(Disk& disk, const std::string& directory, ChainWalk& walk)
      : disk_(disk), directory_(directory), walk_(walk) {}

  Result<void> run() {
    const auto names = list_segments(disk_, directory_);
    if (!names) return tl::unexpected(names.error());
    std::uint64_t all = 0;
    if (walk_.progress)
      for (const auto& name : *names) all += size_of(name);
    std::uint64_t done = 0;
    for (const auto& name : *names) {
      last_ = name == names->back();
      if (const auto read = segment(name); !read) return read;
      done += walk_.progress ? size_of(name) : 0;
      if (walk_.progress) walk_.progress(std::min(done, all), all);
    }
    return {};
  }

 private:
  std::uint64_t size_of(const SegmentName& name) {
    const auto file = disk_.open(path_of(directory_, name), OpenMode::kRead);
    return file ? (*file)->size().value_or(0) : 0;
  }

  Result<void> segment(const SegmentName& name) {
    const auto file = disk_.open(path_of(directory_, name), OpenMode::kRead);
    if (!file && file.error().code == ErrorCode::kNotFound) {
      walk_.released();
      return {};
    }
    if (!file) return tl::unexpected(file.error());
    FrameReader reader(**file);
    sealed_ = false;
    expected_ = name.first;
    walk_.place.file = to_string(name);
    for (;;) {
      const auto step = reader.next();
      if (!step) return tl::unexpected(step.error());
      walk_.place.offset = step->offset;
      if (step->state == FrameState::kBlock) {
        take(name, *step);
        continue;
      }
      const auto more = pass(reader, name, *step);
      if (!more) return tl::unexpected(more.error());
      if (!*more) return {};
    }
  }

  void take(const SegmentName& name, const FrameStep& step) {
    if (step.view.head.epoch != name.epoch)
      return walk_.unreadable(name.epoch, expected_, "a block of another epoch");
    sealed_ = step.view.head.kind == model::BlockKind::kSeal;
    expected_ = {step.view.head.first.value + step.view.head.count};
    walk_.block(step.block, step.view);
  }

  // Bad bytes, or the end. True: there are frames behind them.
  Result<bool> pass(FrameReader& reader, const SegmentName& name, const FrameStep& step) {
    const auto content = reader.end_of_content(step.offset);
    if (!content) return tl::unexpected(content.error());
    if (*content == step.offset) return false;
    // A file that was released and is being written anew looks damaged too.
    const auto names = list_segments(disk_, directory_);
    if (!names) return tl::unexpected(names.error());
    if (!std::binary_search(names->begin(), names->end(), name)) {
      walk_.released();
      return false;
    }
    const auto found = reader.resynchronise();
    if (!found) return tl::unexpected(found.error());
    if (!*found && last_ && !sealed_) {
      walk_.torn_bytes = *content - step.offset;
      return false;
    }
    walk_.unreadable(name.epoch, expected_,
                     step.state == FrameState::kDamaged ? step.what : "zeros where a frame should be");
    return *found;
  }

  Disk& disk_;
  const std::string& directory_;
  ChainWalk& walk_;
  bool last_ = false;
  bool sealed_ = false;
  Sequence expected_;
};

}  // namespace

Result<void> walk_chain(Disk& disk, const std::string& directory, ChainWalk& walk) {
  return Walker(disk, directory, walk).run();
}

Result<VerifiedDirectory> verify_chain(Disk& disk, const std::string& directory,
                                       ChainVerifier::Options options, const Progress& progress) {
  ChainWalk walk;
  options.where = [&walk] { return fmt::format("{} at byte {}", walk.place.file, walk.place.offset); };
  ChainVerifier verifier(std::move(options));
  // Unreadable receipts excuse nothing; that is the safe side.
  verifier.forgive(Receipts::load(disk, directory).value_or(Receipts()));
  walk.progress = progress;
  walk.block = [&](ByteView bytes, const model::BlockView&) { verifier.add(bytes); };
  walk.unreadable = [&](Epoch epoch, Sequence expected, const char* what) {
    verifier.add_unreadable(epoch, expected, what);
  };
  walk.released = [&] {
    verifier.forgive(Receipts::load(disk, directory).value_or(Receipts()));
    verifier.pass_released();
  };
  if (const auto walked = walk_chain(disk, directory, walk); !walked) return tl::unexpected(walked.error());
  return VerifiedDirectory{verifier.finish(), walk.torn_bytes};
}

}  // namespace fluxrig::wal
