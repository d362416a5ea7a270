#include "wal/receipts.hpp"

#include <algorithm>
#include <limits>

#include "cbor/decoder.hpp"
#include "cbor/encoder.hpp"
#include "wal/atomic_file.hpp"

namespace fluxrig::wal {
namespace {
constexpr const char* kName = "receipts";
constexpr std::uint64_t kVersion = 1;
}  // namespace

Result<bool> Receipts::add(Epoch epoch, SequenceRange range) {
  std::uint64_t first = range.first.value;
  std::uint64_t last = range.last.value;
  if (first == 0 || last < first || last == std::numeric_limits<std::uint64_t>::max())
    return fail(ErrorCode::kInvalid, "a receipt's range is empty or out of bounds");
  if (covers(epoch, range)) return false;
  auto& ranges = epochs_[epoch.value];
  auto next = ranges.upper_bound(first);
  const bool touches_before = next != ranges.begin() && std::prev(next)->second + 1 >= first;
  const bool touches_after = next != ranges.end() && next->first <= last + 1;
  if (!touches_before && !touches_after && count_ >= kMaxRanges) {
    if (ranges.empty()) epochs_.erase(epoch.value);
    return fail(ErrorCode::kFull, "too many separate ranges of receipts");
  }
  auto at = touches_before ? std::prev(next) : next;
  while (at != ranges.end() && at->first <= last + 1) {
    first = std::min(first, at->first);
    last = std::max(last, at->second);
    at = ranges.erase(at);
    --count_;
  }
  ranges.emplace(first, last);
  ++count_;
  changed_ = true;
  return true;
}

bool Receipts::covers(Epoch epoch, SequenceRange range) const noexcept {
  const auto ranges = epochs_.find(epoch.value);
  if (ranges == epochs_.end()) return false;
  const auto next = ranges->second.upper_bound(range.first.value);
  return next != ranges->second.begin() && std::prev(next)->second >= range.last.value;
}

bool Receipts::set_chain(Epoch epoch, const ChainHead& head) {
  const auto known = chains_.find(epoch.value);
  if (known != chains_.end() ? known->second == head : chains_.size() >= kMaxChains) return false;
  chains_[epoch.value] = head;
  changed_ = true;
  return true;
}

std::optional<Receipts::ChainHead> Receipts::chain(Epoch epoch) const {
  const auto known = chains_.find(epoch.value);
  return known == chains_.end() ? std::nullopt : std::optional(known->second);
}

void Receipts::forget_before(Epoch oldest) {
  while (!chains_.empty() && chains_.begin()->first < oldest.value) {
    chains_.erase(chains_.begin());
    changed_ = true;
  }
  while (!epochs_.empty() && epochs_.begin()->first < oldest.value) {
    count_ -= epochs_.begin()->second.size();
    epochs_.erase(epochs_.begin());
    changed_ = true;
  }
}

std::vector<SequenceRange> Receipts::ranges(Epoch epoch) const {
  std::vector<SequenceRange> out;
  const auto ranges = epochs_.find(epoch.value);
  if (ranges == epochs_.end()) return out;
  for (const auto& [first, last] : ranges->second) out.push_back({Sequence{first}, Sequence{last}});
  return out;
}

std::vector<Epoch> Receipts::epochs() const {
  std::vector<Epoch> out;
  for (const auto& [epoch, ranges] : epochs_) out.push_back({epoch});
  return out;
}

Epoch Receipts::newest_epoch() const noexcept { return Epoch{epochs_.empty() ? 0 : epochs_.rbegin()->first}; }

Result<void> Receipts::store(Disk& disk, const std::string& directory) {
  Bytes item;
  cbor::Encoder encoder(item);
  encoder.map(chains_.empty() ? 2 : 3);
  encoder.unsigned_integer(0);
  encoder.unsigned_integer(kVersion);
  encoder.unsigned_integer(1);
  encoder.array(3 * count_);
  for (const auto& [epoch, ranges] : epochs_) {
    for (const auto& [first, last] : ranges) {
      encoder.unsigned_integer(epoch);
      encoder.unsigned_integer(first);
      encoder.unsigned_integer(last);
    }
  }
  if (!chains_.empty()) {
    encoder.unsigned_integer(2);
    encoder.array(3 * chains_.size());
    for (const auto& [epoch, head] : chains_) {
      encoder.unsigned_integer(epoch);
      encoder.unsigned_integer(head.next.value);
      encoder.bytes(head.hash);
    }
  }
  const auto stored = store_atomically(disk, directory, kName, item);
  if (stored) changed_ = false;
  return stored;
}

bool Receipts::decode_chains(cbor::Decoder& decoder) {
  if (decoder.unsigned_integer() != 2U) return false;
  const auto items = decoder.array();
  if (!items || *items % 3 != 0 || *items / 3 > kMaxChains) return false;
  for (std::size_t i = 0; i < *items; i += 3) {
    const auto epoch = decoder.unsigned_integer();
    const auto next = decoder.unsigned_integer();
    const auto hash = decoder.bytes();
    ChainHead head;
    if (!epoch || !next || !hash || *epoch > std::numeric_limits<std::uint32_t>::max() ||
        hash->size() != head.hash.size())
      return false;
    head.next = {*next};
    std::copy(hash->begin(), hash->end(), head.hash.begin());
    chains_[static_cast<std::uint32_t>(*epoch)] = head;
  }
  return true;
}

Result<Receipts> Receipts::decode(ByteView item) {
  const auto corrupt = fail(ErrorCode::kCorrupt, "the receipts file is not valid");
  cbor::Decoder decoder(item);
  const auto entries = decoder.map();
  if (!entries || *entries < 2 || *entries > 3 || decoder.unsigned_integer() != 0U) return corrupt;
  const auto version = decoder.unsigned_integer();
  if (!version) return corrupt;
  if (*version != kVersion) return fail(ErrorCode::kUnsupported, "a newer version of the receipts file");
  if (decoder.unsigned_integer() != 1U) return corrupt;
  const auto numbers = decoder.array();
  if (!numbers || *numbers % 3 != 0 || *numbers / 3 > kMaxRanges) return corrupt;
  Receipts receipts;
  for (std::size_t i = 0; i < *numbers; i += 3) {
    const auto epoch = decoder.unsigned_integer();
    const auto first = decoder.unsigned_integer();
    const auto last = decoder.unsigned_integer();
    if (!epoch || !first || !last || *epoch > std::numeric_limits<std::uint32_t>::max()) return corrupt;
    const auto added =
        receipts.add(Epoch{static_cast<std::uint32_t>(*epoch)}, {Sequence{*first}, Sequence{*last}});
    if (!added) return corrupt;
  }
  if (*entries == 3 && !receipts.decode_chains(decoder)) return corrupt;
  if (!decoder.at_end()) return corrupt;
  receipts.changed_ = false;
  return receipts;
}

Result<Receipts> Receipts::load(Disk& disk, const std::string& directory) {
  const auto item = load_whole(disk, directory, kName);
  if (!item && item.error().code == ErrorCode::kNotFound) return Receipts();
  if (!item) return tl::unexpected(item.error());
  return decode(*item);
}

}  // namespace fluxrig::wal
