// The file that `fluxrig audit export` writes for an auditor: docs/formats/audit.md. Written and read as a
// stream, in constant memory. One thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "wal/chain_verifier.hpp"
#include "wal/disk.hpp"
#include "wal/inspect.hpp"
#include "wal/sha256.hpp"
#include "wal/signing_key.hpp"

namespace fluxrig::wal {

struct BundleMachine {
  MachineId machine_id;
  std::string name;
  std::vector<PublicKey> keys;
};
inline constexpr std::size_t kMaxBundleMachines = 10'000;
inline constexpr std::size_t kMaxBundleKeys = 64;  // of one machine

// Of each machine, in the order of the list: its blocks, epochs ascending, in chain order.
class BundleWriter {
 public:
  using Output = std::function<Result<void>(ByteView)>;
  explicit BundleWriter(Output output);
  BundleWriter(const BundleWriter&) = delete;
  BundleWriter& operator=(const BundleWriter&) = delete;

  [[nodiscard]] Result<void> begin(UnixNanos time, const std::vector<BundleMachine>& machines);
  [[nodiscard]] Result<void> add(ByteView block);
  // Without it the bundle counts as cut.
  [[nodiscard]] Result<void> finish();
  [[nodiscard]] std::uint64_t blocks() const noexcept { return blocks_; }

 private:
  [[nodiscard]] Result<void> write(ByteView bytes);
  Output output_;
  Sha256 digest_;
  std::uint64_t blocks_ = 0;
  Bytes item_;
};

struct VerifiedMachine {
  BundleMachine machine;
  ChainReport report;
};
struct VerifiedBundle {
  UnixNanos time;
  std::vector<VerifiedMachine> machines;
};
[[nodiscard]] bool is_bundle(const File& file);
// `options.keys` empty: the keys that the bundle itself names. kCorrupt: cut, or not the bytes that were
// written, as its last item tells; kUnsupported: a newer version.
[[nodiscard]] Result<VerifiedBundle> verify_bundle(const File& file, const ChainVerifier::Options& options,
                                                   const Progress& progress = {});

}  // namespace fluxrig::wal
