#include "wal/epoch_file.hpp"

#include <limits>

#include "cbor/decoder.hpp"
#include "cbor/encoder.hpp"
#include "wal/atomic_file.hpp"

namespace fluxrig::wal {
namespace {

constexpr const char* kName = "epoch";
constexpr std::uint64_t kVersion = 1;

std::optional<EpochState> decode(ByteView item) {
  cbor::Decoder decoder(item);
  const auto entries = decoder.map();
  if (!entries || *entries < 3 || *entries > 4) return std::nullopt;
  const auto number = [&](std::uint64_t key) -> std::optional<std::uint64_t> {
    const auto found = decoder.unsigned_integer();
    if (!found || *found != key) return std::nullopt;
    const auto value = decoder.unsigned_integer();
    return value ? std::optional(*value) : std::nullopt;
  };
  const auto version = number(0);
  if (!version || *version != kVersion) return std::nullopt;
  const auto epoch = number(1);
  if (!epoch || *epoch == 0 || *epoch >= std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  const auto key = decoder.unsigned_integer();
  if (!key || *key != 2) return std::nullopt;
  const auto bytes = decoder.bytes();
  if (!bytes) return std::nullopt;
  const auto machine_id = MachineId::from_bytes(*bytes);
  if (!machine_id) return std::nullopt;
  EpochState state{Epoch{static_cast<std::uint32_t>(*epoch)}, *machine_id};
  if (*entries == 4) {
    if (decoder.unsigned_integer() != 3U) return std::nullopt;
    const auto link = decode_epoch_link(decoder);
    if (!link) return std::nullopt;
    state.link = *link;
  }
  if (!decoder.at_end()) return std::nullopt;
  return state;
}

}  // namespace

Result<EpochState> load_epoch(Disk& disk, const std::string& directory) {
  const auto item = load_whole(disk, directory, kName);
  if (!item) return tl::unexpected(item.error());
  const auto state = decode(*item);
  if (!state) return fail(ErrorCode::kCorrupt, "the epoch file is not valid");
  return *state;
}

Result<void> store_epoch(Disk& disk, const std::string& directory, const EpochState& state) {
  Bytes item;
  cbor::Encoder encoder(item);
  encoder.map(state.link ? 4 : 3);
  encoder.unsigned_integer(0);
  encoder.unsigned_integer(kVersion);
  encoder.unsigned_integer(1);
  encoder.unsigned_integer(state.epoch.value);
  encoder.unsigned_integer(2);
  encoder.bytes(state.machine_id.view());
  if (state.link) {
    encoder.unsigned_integer(3);
    encode_epoch_link(*state.link, item);
  }
  return store_atomically(disk, directory, kName, item);
}

}  // namespace fluxrig::wal
