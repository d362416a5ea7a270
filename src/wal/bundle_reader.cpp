// Reading a bundle: hostile bytes from a file of any size, through a bounded window.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cbor/decoder.hpp"
#include "wal/bundle.hpp"
#include "wal/sha256.hpp"

namespace fluxrig::wal {
namespace {

constexpr std::string_view kName = "fluxrig-audit-bundle";
constexpr std::string_view kEndName = "fluxrig-audit-end";
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kWindowBytes = 2U << 20;  // more than any block's item
constexpr std::size_t kMaxHeadBytes = 32U << 20;

const auto kCut = fail(ErrorCode::kCorrupt, "the bundle is cut");
const auto kBad = fail(ErrorCode::kCorrupt, "the bundle is not valid");

Result<BundleMachine> decode_machine(cbor::Decoder& decoder) {
  BundleMachine machine;
  if (decoder.array() != 3U) return kBad;
  const auto id = decoder.bytes();
  const auto machine_id = id ? MachineId::from_bytes(*id) : std::nullopt;
  const auto name = decoder.text();
  const auto keys = decoder.array();
  if (!machine_id || !name || !keys || *keys > kMaxBundleKeys) return kBad;
  machine.machine_id = *machine_id;
  machine.name = *name;
  for (std::size_t i = 0; i < *keys; ++i) {
    const auto bytes = decoder.bytes();
    PublicKey key{};
    if (!bytes || bytes->size() != key.size()) return kBad;
    std::copy(bytes->begin(), bytes->end(), key.begin());
    machine.keys.push_back(key);
  }
  return machine;
}

class BundleRun {
 public:
  BundleRun(const File& file, const ChainVerifier::Options& options, const Progress& progress)
      : file_(file), options_(options), progress_(progress) {}

  Result<VerifiedBundle> run() {
    const auto size = file_.size();
    if (!size) return tl::unexpected(size.error());
    size_ = *size;
    if (const auto head = take_head(); !head) return tl::unexpected(head.error());
    for (;;) {
      const auto more = take_item();
      if (!more) return tl::unexpected(more.error());
      if (!*more) break;
    }
    close_machine();
    return std::move(result_);
  }

 private:
  // The bytes from the offset on; at least `wanted`, fewer only at the end of the file.
  Result<ByteView> view(std::size_t wanted) {
    const std::uint64_t kept_end = window_offset_ + window_.size();
    if (offset_ < window_offset_ || kept_end < std::min(size_, offset_ + wanted)) {
      const std::uint64_t left = size_ - std::min(size_, offset_);
      window_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, std::max(wanted, kWindowBytes))));
      const auto count = file_.read_at(offset_, window_);
      if (!count) return tl::unexpected(count.error());
      window_.resize(*count);
      window_offset_ = offset_;
    }
    return ByteView(window_).subspan(static_cast<std::size_t>(offset_ - window_offset_));
  }

  void pass(ByteView item) {
    digest_.add(item);
    offset_ += item.size();
    if (progress_) progress_(offset_, size_);
  }

  Result<void> take_head() {
    auto bytes = view(static_cast<std::size_t>(std::min<std::uint64_t>(size_, kWindowBytes)));
    if (!bytes) return tl::unexpected(bytes.error());
    auto item = cbor::Decoder(*bytes).skip();
    if (!item && item.error().code == ErrorCode::kTruncated) {
      bytes = view(static_cast<std::size_t>(std::min<std::uint64_t>(size_, kMaxHeadBytes)));
      if (!bytes) return tl::unexpected(bytes.error());
      item = cbor::Decoder(*bytes).skip();
    }
    if (!item) return kBad;
    cbor::Decoder decoder(*item);
    if (decoder.map() != 4U || decoder.unsigned_integer() != 0U || decoder.text() != kName ||
        decoder.unsigned_integer() != 1U)
      return kBad;
    if (decoder.unsigned_integer() != kVersion) return fail(ErrorCode::kUnsupported, "a newer bundle");
    if (decoder.unsigned_integer() != 2U) return kBad;
    const auto time = decoder.integer();
    if (!time || decoder.unsigned_integer() != 3U) return kBad;
    result_.time = {*time};
    const auto machines = decoder.array();
    if (!machines || *machines > kMaxBundleMachines) return kBad;
    for (std::size_t i = 0; i < *machines; ++i) {
      auto machine = decode_machine(decoder);
      if (!machine) return tl::unexpected(machine.error());
      result_.machines.push_back({*std::move(machine), {}});
    }
    pass(*item);
    return {};
  }

  Result<bool> take_item() {
    const auto bytes = view(kWindowBytes);
    if (!bytes) return tl::unexpected(bytes.error());
    if (bytes->empty()) return kCut;
    cbor::Decoder decoder(*bytes);
    if (decoder.peek() == cbor::Type::kMap) return take_end(decoder);
    const auto block = decoder.bytes();
    if (!block) return block.error().code == ErrorCode::kTruncated ? kCut : kBad;
    if (block->size() > model::kMaxBlockBytes) return kBad;
    if (const auto added = take_block(*block); !added) return tl::unexpected(added.error());
    ++blocks_;
    pass(bytes->first(decoder.offset()));
    return true;
  }

  Result<void> take_block(ByteView block) {
    const auto head = model::decode_block(block);
    // Bytes that are no block belong to the machine that is being read.
    if (head && (!verifier_ || head->head.machine_id != current_)) {
      close_machine();
      const auto at = std::find_if(result_.machines.begin(), result_.machines.end(), [&](const auto& one) {
        return one.machine.machine_id == head->head.machine_id;
      });
      if (at == result_.machines.end())
        return fail(ErrorCode::kCorrupt, "blocks of a machine that is not listed");
      if (!seen_.insert(head->head.machine_id).second)
        return fail(ErrorCode::kCorrupt, "the blocks of a machine are not together");
      current_ = head->head.machine_id;
      ChainVerifier::Options options = options_;
      if (options.keys.empty()) options.keys = at->machine.keys;
      options.where = [this] { return fmt::format("at byte {} of the bundle", offset_); };
      verifier_.emplace(std::move(options));
    }
    if (!verifier_) return kBad;
    verifier_->add(block);
    return {};
  }

  void close_machine() {
    if (!verifier_) return;
    for (auto& one : result_.machines)
      if (one.machine.machine_id == current_) one.report = verifier_->finish();
    verifier_.reset();
  }

  Result<bool> take_end(cbor::Decoder& decoder) {
    if (decoder.map() != 3U || decoder.unsigned_integer() != 0U || decoder.text() != kEndName ||
        decoder.unsigned_integer() != 1U)
      return kBad;
    const auto blocks = decoder.unsigned_integer();
    if (!blocks || decoder.unsigned_integer() != 2U) return kBad;
    const auto hash = decoder.bytes();
    const auto own = digest_.finish();
    if (!hash || offset_ + decoder.offset() != size_) return kBad;
    if (*blocks != blocks_ || !std::equal(hash->begin(), hash->end(), own.begin(), own.end()))
      return fail(ErrorCode::kCorrupt, "the bundle's bytes are not those that were written");
    return false;
  }

  const File& file_;
  const ChainVerifier::Options& options_;
  const Progress& progress_;
  VerifiedBundle result_;
  std::uint64_t size_ = 0;
  std::uint64_t offset_ = 0;
  Bytes window_;
  std::uint64_t window_offset_ = 0;
  Sha256 digest_;
  std::uint64_t blocks_ = 0;
  MachineId current_;
  std::set<MachineId> seen_;
  std::optional<ChainVerifier> verifier_;
};

}  // namespace

bool is_bundle(const File& file) {
  std::uint8_t start[2 + 1 + kName.size()];
  const auto count = file.read_at(0, start);
  // A map of four, key 0, a text of that length, the name.
  return count && *count == sizeof start && start[0] == 0xa4 && start[1] == 0 &&
         start[2] == (0x60 | kName.size()) && as_text(ByteView(start).subspan(3)) == kName;
}

Result<VerifiedBundle> verify_bundle(const File& file, const ChainVerifier::Options& options,
                                     const Progress& progress) {
  return BundleRun(file, options, progress).run();
}

}  // namespace fluxrig::wal
