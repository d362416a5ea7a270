// Arbitrary bytes as a PEM certificate: a sentence or facts, never a crash.
#include <cstdlib>

#include "snake/pki/certificate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto facts = fluxrig::snake::parse_certificate(fluxrig::as_text({data, size}), "fuzz.crt");
  if (facts && facts->hosts.size() > 64) std::abort();
  if (!facts && facts.error().message.empty()) std::abort();
  return 0;
}
