// What single blocks state, as the chain verifier judges it: keys, checkpoints, losses. And its last word.
#include <fmt/format.h>

#include <algorithm>

#include "wal/chain_verifier.hpp"
#include "wal/checkpoint.hpp"

namespace fluxrig::wal {

void ChainVerifier::take_header(const model::BlockView& view) {
  const auto body = decode_header_body(view.body);
  if (!body) return fault(FaultKind::kAlteration, epoch_, next_, "a header that cannot be read");
  auto& keys = report_.keys;
  if (keys.empty()) {
    if (body->public_key) keys.push_back(*body->public_key);
  } else if (!body->public_key) {
    fault(FaultKind::kKeyChanged, epoch_, next_, "a header without the machine's key");
  } else if (std::find(keys.begin(), keys.end(), *body->public_key) == keys.end()) {
    fault(FaultKind::kKeyChanged, epoch_, next_,
          fmt::format("a header names key {}, which is not trusted", to_hex(key_id_of(*body->public_key))));
  }
}

void ChainVerifier::take_checkpoint(const model::BlockView& view) {
  ++report_.checkpoints;
  const auto checkpoint = decode_checkpoint_body(view.body);
  if (!checkpoint) return fault(FaultKind::kAlteration, epoch_, next_, "a checkpoint that cannot be read");
  if (!matches(checkpoint->statement, view.head))
    return fault(FaultKind::kAlteration, epoch_, next_,
                 "a checkpoint that states another place than its own");
  const auto& keys = report_.keys;
  if (std::none_of(keys.begin(), keys.end(), [&](const auto& key) { return signed_by(*checkpoint, key); }))
    return fault(FaultKind::kBadSignature, epoch_, next_,
                 "a checkpoint that the machine's key has not signed");
  if (statement_ && checkpoint->statement.previous != *statement_)
    fault(FaultKind::kAlteration, epoch_, next_, "a checkpoint that does not follow the one before it");
  statement_ = checkpoint->hash;
  unsigned_ = 0;
  report_.signed_to = {next_.value - 1};
  for (const auto& range : declared_) excuse(range);
  declared_.clear();
}

void ChainVerifier::take_loss(const model::BlockView& view) {
  auto body = decode_loss_body(view.body);
  if (!body) return fault(FaultKind::kAlteration, epoch_, next_, "a loss block that cannot be read");
  if (body->range && declared_.size() < ChainReport::kMaxListed) declared_.push_back(*body->range);
  list_loss(view.head, *std::move(body));
}

// A declaration that closes an open one takes its place.
void ChainVerifier::list_loss(const model::BlockHead& head, LossBody body) {
  report_.lost_records += body.count.value_or(0);
  auto& losses = report_.losses;
  const auto open = std::find_if(losses.begin(), losses.end(), [&](const DeclaredLoss& loss) {
    return loss.epoch == head.epoch && !loss.body.to && loss.body.from == body.from &&
           loss.body.cause == body.cause;
  });
  if (open != losses.end()) {
    report_.lost_records -= open->body.count.value_or(0);
    open->body = std::move(body);
  } else if (losses.size() < ChainReport::kMaxListed) {
    losses.push_back({head.epoch, head.first, std::move(body)});
  }
}

// Takes what is declared off the holes. A declaration inside a hole leaves the hole as it is.
void ChainVerifier::excuse(const LossBody::Range& declared) {
  std::erase_if(holes_, [&](Hole& hole) {
    if (hole.fault.epoch != declared.epoch) return false;
    const std::uint64_t first = declared.first.value;
    const std::uint64_t last = declared.last.value;
    if (first <= hole.first && last >= hole.last) return true;
    if (first <= hole.first && last >= hole.first) {
      hole.first = last + 1;
      hole.fault.sequence = {hole.first};
    } else if (first > hole.first && first <= hole.last && last >= hole.last) {
      hole.last = first - 1;
    }
    return false;
  });
}

std::string summary(const ChainReport& report) {
  if (!report.good()) {
    if (report.faults.empty()) return fmt::format("{} faults", report.fault_count);
    const ChainFault& first = report.faults.front();
    std::string text = fmt::format("{} at epoch {}, sequence {}: {}", to_string(first.kind),
                                   first.epoch.value, first.sequence.value, first.what);
    if (report.fault_count > 1) text += fmt::format(" ({} faults in all)", report.fault_count);
    return text;
  }
  std::string text = fmt::format(
      "{} records, {} epochs, no gap, no fork, no alteration, signed to sequence {}, unsigned tail {}",
      report.records, report.epochs, report.signed_to.value, report.unsigned_records);
  if (!report.losses.empty())
    text += fmt::format(", {} declared losses ({} records)", report.losses.size(), report.lost_records);
  return text;
}

}  // namespace fluxrig::wal
