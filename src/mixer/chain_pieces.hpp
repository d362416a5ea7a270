// Arithmetic on the pieces of one epoch's audit chain: what is missing between them, and how they join. Pure;
// any thread.
#pragma once

#include <optional>
#include <vector>

#include "model/receipt.hpp"
#include "sink/sink.hpp"

namespace fluxrig::mixer {

// Blocks that are missing: the records from `first` to `last`; none of them (last < first) when only blocks
// without records are.
struct Hole {
  Sequence first;
  Sequence last;
  UnixNanos since;  // what follows it has been here
  bool given_up = false;
  std::size_t before_piece = 0;  // the piece behind it; the number of pieces: it is at the epoch's end
};
[[nodiscard]] std::vector<Hole> holes_of(const sink::EpochChain& chain);
void give_up(sink::EpochChain& chain, const Hole& hole);

// How far receipts may say that the chain is held: over holes that were given up or declared, never over one
// that may yet be filled. nullopt: not at all.
[[nodiscard]] std::optional<model::Receipt::ChainHead> receipt_head(const sink::EpochChain& chain);

// Adds to the declared ranges, which stay sorted and disjoint; false when there are too many. last = first -
// 1: only blocks without records, before `first`.
[[nodiscard]] bool declare_lost(sink::EpochChain& chain, Sequence first, Sequence last);
[[nodiscard]] bool is_declared(const sink::EpochChain& chain, Sequence first, Sequence last);

// Puts `behind` at the end of `front`. False: both have checkpoints, and they do not name each other.
[[nodiscard]] bool append_piece(sink::ChainPiece& front, const sink::ChainPiece& behind);
// Joins pieces whose hashes meet, and those with only declared losses between them. False: a join showed
// checkpoints that do not name each other.
[[nodiscard]] bool join_pieces(sink::EpochChain& chain);

void insert_piece(sink::EpochChain& chain, sink::ChainPiece piece);

}  // namespace fluxrig::mixer
