#include "mixer/chain_watch.hpp"

#include <algorithm>

#include "mixer/chain_pieces.hpp"

namespace fluxrig::mixer {
namespace {

// No block holds more records: each takes some bytes of at most model::kMaxBlockBytes.
constexpr std::uint64_t kMostRecordsOfBlock = 1U << 20;

sink::StreamKey stream_of(const sink::IncomingBlock& block) {
  return {block.head.machine_id, model::Lane::kAudit, block.head.epoch};
}

Sequence end_of(const model::BlockHead& head) { return {head.first.value + head.count}; }

// Whether it was among what the rack has declared lost, or may have been: a block without records has no
// number of its own.
bool stands_in_declared(const sink::EpochChain& chain, const model::BlockHead& head) {
  if (head.count != 0) return is_declared(chain, head.first, {end_of(head).value - 1});
  return std::any_of(chain.declared.begin(), chain.declared.end(), [&](const auto& range) {
    return range.first <= head.first && head.first.value <= range.second.value + 1;
  });
}

// Whether a piece already counts this block's place as filled.
bool fills(const sink::ChainPiece& piece, const model::BlockHead& head) {
  return piece.first <= head.first && end_of(head) <= piece.next;
}

}  // namespace

std::vector<ChainWatch::Question> ChainWatch::questions(std::span<const sink::IncomingBlock> blocks) const {
  struct Ends {
    std::map<model::Hash, model::Hash> pieces;  // what a piece names before it, to its head
    std::set<model::Hash> heads;
  };
  std::map<sink::StreamKey, Ends> all_ends;
  std::map<sink::StreamKey, Question> asked;
  for (const auto& block : blocks) {
    if (block.head.lane != model::Lane::kAudit) continue;
    const auto stream = stream_of(block);
    const auto* chain = chain_of(stream);
    auto [found, first_seen] = all_ends.try_emplace(stream);
    auto& ends = found->second;
    if (first_seen && chain != nullptr)
      for (const auto& piece : chain->pieces) {
        ends.heads.insert(piece.head);
        if (!piece.begins()) ends.pieces.emplace(piece.before, piece.head);
      }
    // What follows a doubtful block is doubtful as well: both may come again. An epoch of which nothing is
    // known begins.
    const bool continues = ends.heads.erase(block.head.previous) != 0 ||
                           (chain == nullptr && first_seen && block.head.previous == model::Hash{});
    if (continues) {
      const auto met = ends.pieces.find(block.hash);
      ends.heads.insert(met == ends.pieces.end() ? block.hash : met->second);
    }
    if (continues && !(chain != nullptr && chain->untracked)) continue;
    const auto least = block.head.first.value - std::min(block.head.first.value, kMostRecordsOfBlock);
    auto [open, fresh] = asked.try_emplace(stream, Question{stream, {least}, block.head.first, {}});
    auto& question = open->second;
    question.from = std::min(question.from, Sequence{least});
    question.to = std::max(question.to, end_of(block.head));
    question.hashes.push_back(block.hash);
    question.hashes.push_back(block.head.previous);
  }
  std::vector<Question> all;
  for (auto& [stream, question] : asked) all.push_back(std::move(question));
  return all;
}

void ChainWatch::remember(const sink::StreamKey& stream, std::span<const sink::KnownBlock> known) {
  auto& one = draft(stream);
  for (const auto& block : known) {
    one.hashes.emplace(block.hash, true);
    one.successors.emplace(block.previous, block.hash);
  }
}

const sink::EpochChain* ChainWatch::chain_of(const sink::StreamKey& stream) const {
  const auto drafted = drafts_.find(stream);
  if (drafted != drafts_.end()) return &drafted->second.chain;
  const auto known = committed_.epochs.find(stream);
  return known == committed_.epochs.end() ? nullptr : &known->second;
}

ChainWatch::Draft& ChainWatch::draft(const sink::StreamKey& stream) {
  auto [found, fresh] = drafts_.try_emplace(stream);
  if (fresh) {
    const auto known = committed_.epochs.find(stream);
    if (known != committed_.epochs.end()) found->second.chain = known->second;
  }
  return found->second;
}

std::optional<std::size_t> ChainWatch::continued(Draft& draft, const model::Hash& previous) const {
  const auto& pieces = draft.chain.pieces;
  if (draft.last_piece < pieces.size() && pieces[draft.last_piece].head == previous) return draft.last_piece;
  for (std::size_t i = 0; i < pieces.size(); ++i)
    if (pieces[i].head == previous) return draft.last_piece = i;
  return std::nullopt;
}

// Another block has its place, or follows the same block.
bool ChainWatch::collides(const Draft& draft, const sink::IncomingBlock& block) {
  const auto& head = block.head;
  const auto& pieces = draft.chain.pieces;
  if (draft.successors.contains(head.previous)) return true;
  // What was declared lost and comes after all is welcome.
  if (stands_in_declared(draft.chain, head)) return false;
  const bool begins = head.previous == model::Hash{};
  if (begins && std::any_of(pieces.begin(), pieces.end(), [](const auto& piece) { return piece.begins(); }))
    return true;
  return std::any_of(pieces.begin(), pieces.end(), [&](const auto& piece) {
    if (head.count == 0) return piece.first < head.first && head.first < piece.next;
    return head.first < piece.next && piece.first < end_of(head);
  });
}

ChainWatch::Verdict ChainWatch::fork(const sink::IncomingBlock& block) {
  raise(stream_of(block), {sink::AlarmKind::kFork,
                           block.head.first,
                           {},
                           "a block came whose place another block has: it was not stored"});
  return Verdict::kFork;
}

ChainWatch::Verdict ChainWatch::extend(Draft& draft, std::size_t at, const sink::IncomingBlock& block) {
  const auto& head = block.head;
  auto& piece = draft.chain.pieces[at];
  const bool before_next =
      at + 1 >= draft.chain.pieces.size() || end_of(head) <= draft.chain.pieces[at + 1].first ||
      is_declared(draft.chain, head.first, {std::max(head.first.value, end_of(head).value - 1)});
  if (head.first < piece.next || !before_next) return fork(block);
  if (head.first > piece.next)
    raise(stream_of(block), {sink::AlarmKind::kAlteration,
                             piece.next,
                             {head.first.value - 1},
                             "the numbers of the records skip, although no block is missing"});
  piece.next = end_of(head);
  piece.head = block.hash;
  return Verdict::kNew;
}

// A piece that has grown up to the next one becomes one with it at once: its blocks may come again in this
// very batch.
void ChainWatch::meet(Draft& draft, std::size_t at, const sink::IncomingBlock& block) {
  auto& pieces = draft.chain.pieces;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (i == at || pieces[i].before != pieces[at].head) continue;
    if (!append_piece(pieces[at], pieces[i]))
      raise(stream_of(block), {sink::AlarmKind::kAlteration,
                               pieces[i].first,
                               {},
                               "a checkpoint names another one before it than the one that stands there"});
    pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(i));
    return;
  }
}

void ChainWatch::add_piece(Draft& draft, const sink::IncomingBlock& block) {
  if (draft.chain.pieces.size() >= sink::EpochChain::kMaxPieces) {
    draft.chain.untracked = true;
    return;
  }
  sink::ChainPiece piece;
  piece.before = block.head.previous;
  piece.head = block.hash;
  piece.first = block.head.first;
  piece.next = end_of(block.head);
  piece.arrived = block.received;
  if (block.head.kind != model::BlockKind::kRecords) take_control(block, piece);
  if (piece.begins() && (block.head.kind != model::BlockKind::kHeader || piece.first.value != 1))
    raise(stream_of(block),
          {sink::AlarmKind::kAlteration, piece.first, {}, "an epoch does not begin with its header"});
  insert_piece(draft.chain, std::move(piece));
  for (std::size_t i = 0; i < draft.chain.pieces.size(); ++i)
    if (draft.chain.pieces[i].head == block.hash) return meet(draft, i, block);
}

// What it says counts; the piece that passes over its place stays as it is.
ChainWatch::Verdict ChainWatch::take_late(Draft& draft, const sink::IncomingBlock& block) {
  sink::ChainPiece alone;
  alone.before = block.head.previous;
  if (block.head.kind != model::BlockKind::kRecords) take_control(block, alone);
  draft.hashes.emplace(block.hash, true);
  draft.successors.emplace(block.head.previous, block.hash);
  return Verdict::kNew;
}

ChainWatch::Verdict ChainWatch::judge(const sink::IncomingBlock& block) {
  auto& one = draft(stream_of(block));
  if (one.chain.rack.empty()) one.chain.rack = block.rack;
  const bool known = one.hashes.contains(block.hash);
  if (const auto at = continued(one, block.head.previous)) {
    const auto verdict = known ? Verdict::kRepeat : extend(one, *at, block);
    if (verdict == Verdict::kFork) return verdict;
    if (known) {  // stored, but more pieces had come than are kept track of
      one.chain.pieces[*at].next = std::max(one.chain.pieces[*at].next, end_of(block.head));
      one.chain.pieces[*at].head = block.hash;
    }
    if (block.head.kind != model::BlockKind::kRecords) take_control(block, one.chain.pieces[*at]);
    meet(one, *at, block);
    one.hashes.emplace(block.hash, true);
    one.successors.emplace(block.head.previous, block.hash);
    return verdict;
  }
  const auto& pieces = one.chain.pieces;
  const bool has_place =
      std::any_of(pieces.begin(), pieces.end(), [&](const auto& piece) { return fills(piece, block.head); });
  if (!known && collides(one, block)) return fork(block);
  if (!known && has_place && stands_in_declared(one.chain, block.head)) return take_late(one, block);
  if (!known || !has_place) add_piece(one, block);
  one.hashes.emplace(block.hash, true);
  one.successors.emplace(block.head.previous, block.hash);
  return known ? Verdict::kRepeat : Verdict::kNew;
}

}  // namespace fluxrig::mixer
