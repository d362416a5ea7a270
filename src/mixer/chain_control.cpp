// What the blocks without records say of their chain: the key and the epoch before, what is signed, what is
// lost.
#include <fmt/format.h>

#include <algorithm>

#include "base/diagnostics.hpp"
#include "mixer/chain_pieces.hpp"
#include "mixer/chain_watch.hpp"
#include "wal/control_body.hpp"

namespace fluxrig::mixer {
namespace {

sink::StreamKey stream_of(const sink::IncomingBlock& block) {
  return {block.head.machine_id, model::Lane::kAudit, block.head.epoch};
}

constexpr Epoch kLastEpoch{UINT32_MAX};

// {"cause":count,...}; empty when nothing was dropped.
std::string drops_json(const std::map<std::string, std::uint64_t>& drops) {
  std::string json;
  for (const auto& [cause, count] : drops)
    json += fmt::format("{}\"{}\":{}", json.empty() ? "{" : ",", escape_json(cause), count);
  return json.empty() ? json : json + "}";
}

}  // namespace

void ChainWatch::take_control(const sink::IncomingBlock& block, sink::ChainPiece& piece) {
  const auto unreadable = [&] {
    raise(stream_of(block), {sink::AlarmKind::kAlteration,
                             block.head.first,
                             {},
                             "the body of a block without records is not readable"});
  };
  const auto view = model::decode_block(block.bytes);
  if (!view) return unreadable();
  switch (block.head.kind) {
    case model::BlockKind::kHeader:
      return take_header(block, view->body);
    case model::BlockKind::kCheckpoint:
      return take_checkpoint(block, view->body, piece);
    case model::BlockKind::kLoss: {
      const auto loss = wal::decode_loss_body(view->body);
      return loss ? take_loss(block, *loss) : unreadable();
    }
    case model::BlockKind::kRecords:
    case model::BlockKind::kRecovery:
    case model::BlockKind::kSeal:
      return;
  }
}

void ChainWatch::take_header(const sink::IncomingBlock& block, ByteView body) {
  const auto stream = stream_of(block);
  const auto header = wal::decode_header_body(body);
  if (!header)
    return raise(stream,
                 {sink::AlarmKind::kAlteration, block.head.first, {}, "a header block is not readable"});
  const auto& machine = block.head.machine_id;
  if (header->public_key && key_for(committed_.keys, machine, kLastEpoch) == nullptr)
    keys_.try_emplace({machine, Epoch{}}, sink::AuditKey{*header->public_key, now_});
  if (const auto* pinned = pinned_key(stream)) {
    if (!header->public_key || pinned->key != *header->public_key)
      raise(stream,
            {sink::AlarmKind::kKeyChanged,
             block.head.first,
             {},
             header->public_key ? "the rack names another signing key than the one that is pinned for it: " +
                                      to_hex(*header->public_key)
                                : "the rack names no signing key any more"});
  }
  if (block.head.previous == model::Hash{}) take_link(block, header->link);
}

std::optional<Epoch> ChainWatch::newest_before(const sink::StreamKey& stream) const {
  std::optional<Epoch> newest;
  const auto look = [&](const auto& epochs, const auto& chain) {
    auto at = epochs.lower_bound(stream);
    while (at != epochs.begin()) {
      --at;
      if (at->first.machine_id != stream.machine_id) return;
      if (chain(at->second).pieces.empty()) continue;
      if (!newest || *newest < at->first.epoch) newest = at->first.epoch;
      return;
    }
  };
  look(
      committed_.epochs, [](const sink::EpochChain& chain) -> const auto& { return chain; });
  look(
      drafts_, [](const Draft& one) -> const auto& { return one.chain; });
  return newest;
}

const sink::AuditKey* ChainWatch::pinned_key(const sink::StreamKey& stream) const {
  const auto* pinned = key_for(committed_.keys, stream.machine_id, stream.epoch);
  return pinned != nullptr ? pinned : key_for(keys_, stream.machine_id, stream.epoch);
}

void ChainWatch::take_link(const sink::IncomingBlock& block, const std::optional<wal::EpochLink>& named) {
  const auto stream = stream_of(block);
  const auto newest = newest_before(stream);
  // The first that this store hears of a rack: what was before it went elsewhere.
  if (!newest) return;
  const auto rolled_back = [&](std::string what) {
    raise_rollback(stream, {sink::AlarmKind::kRollback, block.head.first, {}, std::move(what)});
  };
  if (!named)
    return rolled_back(
        fmt::format("the rack names no epoch before this one, and epoch {} is known: its "
                    "directory was lost",
                    newest->value));
  const auto& link = *named;
  if (link.epoch >= block.head.epoch || link.epoch < *newest)
    return rolled_back(
        fmt::format("the rack names epoch {} as the one before, and epoch {} is known: an older "
                    "copy of its directory came back",
                    link.epoch.value, newest->value));
  auto& before = draft({stream.machine_id, model::Lane::kAudit, link.epoch});
  if (before.chain.rack.empty()) before.chain.rack = block.rack;
  if (!before.chain.pieces.empty() && before.chain.pieces.back().next > link.end)
    return rolled_back(
        fmt::format("the rack names record {} as the last of epoch {}, and record {} is stored: "
                    "an older copy of its directory came back",
                    link.end.value - 1, link.epoch.value, before.chain.pieces.back().next.value - 1));
  if (!before.chain.end) before.chain.end = sink::EpochChain::End{link.end, link.head, block.received, false};
}

// The hello and the header of one start tell the same, in any order and minutes apart.
void ChainWatch::raise_rollback(const sink::StreamKey& stream, Finding finding) {
  if (!is_closed(stream, finding.kind, finding.first, finding.last)) raise(stream, std::move(finding));
}

void ChainWatch::take_start(const sink::StreamKey& stream, const std::string& rack, Epoch before,
                            Epoch known) {
  auto what = before.value == 0
                  ? fmt::format(
                        "the rack knows of no earlier start, and epoch {} said hello: its directory "
                        "was lost",
                        known.value)
                  : fmt::format(
                        "the rack started last as epoch {}, and epoch {} said hello: an older copy "
                        "of its directory came back",
                        before.value, known.value);
  raise_rollback(stream, {sink::AlarmKind::kRollback, {1}, {}, std::move(what), rack});
}

void ChainWatch::take_checkpoint(const sink::IncomingBlock& block, ByteView body, sink::ChainPiece& piece) {
  const auto stream = stream_of(block);
  const auto altered = [&](const char* what) {
    raise(stream, {sink::AlarmKind::kAlteration, block.head.first, {}, what});
  };
  const auto checkpoint = wal::decode_checkpoint_body(body);
  if (!checkpoint) return altered("a checkpoint is not readable");
  const auto& statement = checkpoint->statement;
  if (!wal::matches(statement, block.head))
    return altered("a checkpoint states another place than the one where it stands");
  const bool named = piece.checkpoints == 0 ? !piece.begins() || statement.previous == model::Hash{}
                                            : statement.previous == piece.last_statement;
  if (!named) altered("a checkpoint names another one before it than the one that stands there");
  if (piece.checkpoints == 0) piece.first_names = statement.previous;
  ++piece.checkpoints;
  piece.last_statement = checkpoint->hash;
  const auto* key = pinned_key(stream);
  if (key == nullptr) return;  // its header has not come yet: a later checkpoint signs this as well
  if (!wal::signed_by(*checkpoint, key->key))
    return raise(stream, {sink::AlarmKind::kBadSignature,
                          block.head.first,
                          {},
                          "a checkpoint is not signed with the machine's pinned key"});
  piece.signed_to = statement.sequence;
  piece.signed_at = statement.time;
  piece.drops = drops_json(statement.drops);
}

void ChainWatch::take_loss(const sink::IncomingBlock& block, const wal::LossBody& loss) {
  auto stream = stream_of(block);
  Finding finding{sink::AlarmKind::kDeclaredLoss, block.head.first, {}, {}};
  finding.what = fmt::format("the rack declares {} lost: {}",
                             loss.count ? fmt::format("{} records", *loss.count) : "records", loss.cause);
  // Only of its own epochs, and not of ones to come.
  if (loss.range && loss.range->epoch <= stream.epoch && loss.range->first.value != 0 &&
      loss.range->first.value - 1 <= loss.range->last.value) {
    stream.epoch = loss.range->epoch;
    finding.first = loss.range->first;
    finding.last = loss.range->last < loss.range->first ? Sequence{} : loss.range->last;
    auto& damaged = draft(stream);
    if (damaged.chain.rack.empty()) damaged.chain.rack = block.rack;
    if (!declare_lost(damaged.chain, loss.range->first, loss.range->last))
      finding.what += "; too many ranges are declared already: this one stays a gap";
  }
  note_loss(stream, loss, std::move(finding));
}

}  // namespace fluxrig::mixer
