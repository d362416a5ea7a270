// Every block of a lane's directory in chain order, damage named and passed over, without changing anything;
// a rack may be at work in it. What `fluxrig audit verify|export` read a directory with. One thread.
#pragma once

#include <functional>
#include <string>

#include "wal/chain_verifier.hpp"
#include "wal/inspect.hpp"

namespace fluxrig::wal {

struct ChainPlace {
  std::string file;
  std::uint64_t offset = 0;
};

struct ChainWalk {
  // Valid during the call.
  std::function<void(ByteView bytes, const model::BlockView& view)> block;
  std::function<void(Epoch epoch, Sequence expected, const char* what)> unreadable;
  std::function<void()> released;  // the rest of a segment went while it was being read
  Progress progress;
  ChainPlace place;              // of what the callbacks are called for
  std::uint64_t torn_bytes = 0;  // unfinished at the very end: a crash, or a writer at work
};
[[nodiscard]] Result<void> walk_chain(Disk& disk, const std::string& directory, ChainWalk& walk);

struct VerifiedDirectory {
  ChainReport report;
  std::uint64_t torn_bytes = 0;
};
// Ranges with receipts may be missing: they are at the mixer.
[[nodiscard]] Result<VerifiedDirectory> verify_chain(Disk& disk, const std::string& directory,
                                                     ChainVerifier::Options options,
                                                     const Progress& progress = {});

}  // namespace fluxrig::wal
