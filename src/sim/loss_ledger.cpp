#include "sim/loss_ledger.hpp"

#include <fmt/format.h>

#include "cbor/decoder.hpp"
#include "model/record_codec.hpp"

namespace fluxrig::sim {

std::vector<Execution> executions_in(ByteView records) {
  std::vector<Execution> found;
  for (cbor::Decoder items(records); !items.at_end();) {
    const auto item = items.skip();
    if (!item) break;
    const auto record = model::decode(*item);
    if (!record) continue;
    if (const auto execution = Oracle::execution_of(*record)) found.push_back(*execution);
  }
  return found;
}

// An opening declaration gives no number; damage was not let go.
void LossLedger::declared(const model::BlockHead& head, const wal::LossBody& body) {
  if (!body.to || !body.count || body.cause == "damage") return;
  declared_[{{head.machine_id, head.epoch}, head.first, body.from.value, body.to->value}] = *body.count;
}

void LossLedger::check_end() {
  for (const auto& [stream, safe] : safe_) {
    std::uint64_t declared = 0;
    for (const auto& [key, count] : declared_)
      if (std::get<0>(key) == stream && std::get<1>(key) < safe.next) declared += count;
    if (declared != safe.lost)
      oracle_.fail(
          "lost records = declared counts",
          fmt::format("epoch {} of {}: {} records were let go before sequence {}, {} are declared",
                      stream.second.value, to_string(stream.first), safe.lost, safe.next.value, declared));
  }
}

std::uint64_t LossLedger::declared_count() const {
  std::uint64_t sum = 0;
  for (const auto& [key, count] : declared_) sum += count;
  return sum;
}

}  // namespace fluxrig::sim
