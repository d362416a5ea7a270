#include "sim/bit_rot.hpp"

#include <algorithm>

#include "cbor/decoder.hpp"
#include "gear/bus/spool_entry.hpp"
#include "sim/business_message.hpp"
#include "sim/loss_ledger.hpp"
#include "wal/frame_reader.hpp"

namespace fluxrig::sim {
namespace {

// Reads past all faults of the disk.
class BytesFile final : public wal::File {
 public:
  explicit BytesFile(const Bytes& bytes) : bytes_(bytes) {}
  Result<void> write_at(std::uint64_t, ByteView) override { return fail(ErrorCode::kRefused, "read only"); }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    if (offset >= bytes_.size()) return std::size_t{0};
    const auto count = std::min<std::size_t>(out.size(), bytes_.size() - static_cast<std::size_t>(offset));
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), count, out.begin());
    return count;
  }
  Result<void> sync() override { return {}; }
  Result<std::uint64_t> size() const override { return bytes_.size(); }

 private:
  const Bytes& bytes_;
};

std::vector<Execution> messages_in(ByteView records) {
  std::vector<Execution> found;
  for (cbor::Decoder items(records); !items.at_end();) {
    const auto item = items.skip();
    if (!item) break;
    const auto entry = gear::bus::decode_spool_entry(*item);
    const auto number = entry ? message_number(entry->payload) : std::nullopt;
    if (number) found.push_back(*number);
  }
  return found;
}

// The whole frame that holds the byte, before it is flipped.
void find_block(const Bytes& bytes, BitRot& rot) {
  const BytesFile file(bytes);
  wal::FrameReader reader(file);
  rot.first = {1};
  rot.last = {0};
  for (;;) {
    const auto step = reader.next();
    if (!step) return;
    if (step->state != wal::FrameState::kBlock) {
      const auto found = reader.resynchronise();
      if (!found || !*found) return;
      continue;
    }
    if (step->offset + step->frame_bytes <= rot.offset) continue;
    if (step->offset > rot.offset) return;
    const auto& head = step->view.head;
    rot.frame = step->offset;
    rot.first = head.first;
    rot.last = {head.first.value + head.count - 1};
    if (head.lane == model::Lane::kSpool)
      rot.messages = messages_in(step->view.records);
    else
      rot.executions = executions_in(step->view.records);
    return;
  }
}

// Mostly where something is written.
std::uint64_t choose_offset(const Bytes& bytes, Random& random) {
  const auto last = std::find_if(bytes.rbegin(), bytes.rend(), [](std::uint8_t byte) { return byte != 0; });
  const auto written = static_cast<std::uint64_t>(bytes.rend() - last);
  return random.below(written == 0 || random.below(16) == 0 ? bytes.size() : written);
}

}  // namespace

std::optional<BitRot> flip_bit(wal::MemoryDisk& disk, const std::string& directory, EpochFile epoch,
                               Random& random) {
  const auto files = disk.list(directory);
  if (!files) return std::nullopt;
  std::vector<std::string> candidates;
  for (const auto& file : *files)
    if (file == "receipts" || (file == "epoch" && epoch == EpochFile::kMayRot) ||
        wal::parse_segment_name(file))
      candidates.push_back(file);
  if (candidates.empty()) return std::nullopt;
  BitRot rot;
  rot.directory = directory;
  rot.file = candidates[random.below(candidates.size())];
  auto& bytes = disk.content(directory + "/" + rot.file);
  if (bytes.empty()) return std::nullopt;
  rot.segment = wal::parse_segment_name(rot.file);
  rot.offset = choose_offset(bytes, random);
  if (rot.segment) find_block(bytes, rot);
  bytes[static_cast<std::size_t>(rot.offset)] ^= static_cast<std::uint8_t>(1U << random.below(8));
  return rot;
}

}  // namespace fluxrig::sim
