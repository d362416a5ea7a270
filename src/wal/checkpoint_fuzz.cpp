// Any bytes as the body of a checkpoint: what is accepted is written again byte for byte, except for its
// signature, and nothing is taken for signed that is not.
#include <algorithm>

#include "base/assert.hpp"
#include "wal/checkpoint.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig;
  using namespace fluxrig::wal;
  static const SigningKey key = SigningKey::from_seed({7});
  static const SigningKey other = SigningKey::from_seed({8});
  const auto checkpoint = decode_checkpoint_body({data, size});
  if (!checkpoint) return 0;
  FR_ASSERT(checkpoint->statement_bytes.size() <= kMaxStatementBytes);
  FR_ASSERT(!signed_by(*checkpoint, other.public_key()));
  CheckpointStatement own = checkpoint->statement;
  own.key_id = key.id();
  Bytes body;
  const auto hash = encode_checkpoint_body(own, key, body);
  const auto again = decode_checkpoint_body(body);
  FR_ASSERT(again.has_value() && again->hash == hash && signed_by(*again, key.public_key()));
  // Causes over the length that we write ourselves are the only thing left out.
  own.drops = again->statement.drops;
  FR_ASSERT(again->statement == own);
  return 0;
}
