#include "mixer/chain_pieces.hpp"

#include <algorithm>

namespace fluxrig::mixer {
namespace {

Sequence before(Sequence one) { return {one.value == 0 ? 0 : one.value - 1}; }

bool is_empty(const sink::SequencePair& range) { return range.second < range.first; }

// Everything from `from` up to, not including, `to` is declared lost.
bool only_losses(const sink::EpochChain& chain, Sequence from, Sequence to) {
  if (from < to) return is_declared(chain, from, before(to));
  return from == to && std::any_of(chain.declared.begin(), chain.declared.end(),
                                   [&](const auto& range) { return is_empty(range) && range.first == from; });
}

}  // namespace

std::vector<Hole> holes_of(const sink::EpochChain& chain) {
  std::vector<Hole> holes;
  const auto& pieces = chain.pieces;
  if (pieces.empty()) {
    if (chain.end)
      holes.push_back({{1}, before(chain.end->next), chain.end->arrived, chain.end->given_up, 0});
    return holes;
  }
  if (!pieces[0].begins())
    holes.push_back({{1}, before(pieces[0].first), pieces[0].arrived, pieces[0].given_up, 0});
  for (std::size_t i = 1; i < pieces.size(); ++i)
    holes.push_back({pieces[i - 1].next, before(pieces[i].first), pieces[i].arrived, pieces[i].given_up, i});
  const auto& last = pieces.back();
  if (chain.end &&
      (last.next < chain.end->next || (last.next == chain.end->next && last.head != chain.end->head)))
    holes.push_back(
        {last.next, before(chain.end->next), chain.end->arrived, chain.end->given_up, pieces.size()});
  return holes;
}

void give_up(sink::EpochChain& chain, const Hole& hole) {
  if (hole.before_piece < chain.pieces.size())
    chain.pieces[hole.before_piece].given_up = true;
  else if (chain.end)
    chain.end->given_up = true;
}

std::optional<model::Receipt::ChainHead> receipt_head(const sink::EpochChain& chain) {
  const sink::ChainPiece* reached = nullptr;
  for (const auto& piece : chain.pieces) {
    const bool follows = piece.given_up || (reached == nullptr && piece.begins());
    if (!follows) break;
    reached = &piece;
  }
  if (reached == nullptr || reached->next.value == 0) return std::nullopt;
  return model::Receipt::ChainHead{reached->next, reached->head};
}

bool declare_lost(sink::EpochChain& chain, Sequence first, Sequence last) {
  if (is_declared(chain, first, last)) return true;
  std::vector<sink::SequencePair> declared;
  sink::SequenceRanges ranges;
  for (const auto& range : chain.declared) {
    if (is_empty(range))
      declared.push_back(range);
    else
      ranges.add(range.first, range.second);
  }
  if (last < first)
    declared.emplace_back(first, last);
  else
    ranges.add(first, last);
  declared.insert(declared.end(), ranges.ranges().begin(), ranges.ranges().end());
  if (declared.size() > sink::EpochChain::kMaxDeclared) return false;
  std::sort(declared.begin(), declared.end());
  chain.declared = std::move(declared);
  return true;
}

bool is_declared(const sink::EpochChain& chain, Sequence first, Sequence last) {
  return std::any_of(chain.declared.begin(), chain.declared.end(), [&](const auto& range) {
    if (last < first) return range == sink::SequencePair{first, last};
    return range.first <= first && last <= range.second;
  });
}

bool append_piece(sink::ChainPiece& front, const sink::ChainPiece& behind) {
  bool named = true;
  if (behind.checkpoints != 0) {
    if (front.checkpoints != 0 || front.begins()) named = behind.first_names == front.last_statement;
    if (front.checkpoints == 0) front.first_names = behind.first_names;
    front.last_statement = behind.last_statement;
    front.checkpoints += behind.checkpoints;
  }
  if (behind.signed_to.value != 0) {
    front.signed_to = behind.signed_to;
    front.signed_at = behind.signed_at;
    front.drops = behind.drops;
  }
  front.next = behind.next;
  front.head = behind.head;
  return named;
}

bool join_pieces(sink::EpochChain& chain) {
  bool named = true;
  auto& pieces = chain.pieces;
  if (!pieces.empty() && !pieces[0].begins() && only_losses(chain, {1}, pieces[0].first))
    pieces[0].before = {};
  for (std::size_t i = 0; i + 1 < pieces.size();) {
    const bool meet = pieces[i + 1].before == pieces[i].head;
    const bool lost = !meet && only_losses(chain, pieces[i].next, pieces[i + 1].first);
    if (!meet && !lost) {
      ++i;
      continue;
    }
    // The checkpoint between may be among what was lost.
    if (!append_piece(pieces[i], pieces[i + 1]) && meet) named = false;
    pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }
  if (chain.end && !pieces.empty() && only_losses(chain, pieces.back().next, chain.end->next)) {
    pieces.back().next = chain.end->next;
    pieces.back().head = chain.end->head;
  }
  return named;
}

void insert_piece(sink::EpochChain& chain, sink::ChainPiece piece) {
  const auto at = std::find_if(chain.pieces.begin(), chain.pieces.end(), [&](const auto& other) {
    if (other.begins() != piece.begins()) return piece.begins();
    return std::pair(piece.first, piece.next) < std::pair(other.first, other.next);
  });
  chain.pieces.insert(at, std::move(piece));
}

}  // namespace fluxrig::mixer
