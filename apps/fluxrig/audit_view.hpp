// What `fluxrig audit verify` prints, whatever the blocks came from. Any thread; values only.
#pragma once

#include <string>
#include <vector>

#include "fluxrig/terminal.hpp"
#include "wal/bundle.hpp"

namespace fluxrig::client {

struct AuditVerdict {
  std::string path;  // as it was given
  std::vector<wal::VerifiedMachine> machines;
  std::uint64_t torn_bytes = 0;  // unfinished at the end of a directory
  bool keys_given = false;       // not taken from the chain itself
  [[nodiscard]] bool good() const noexcept;
};

[[nodiscard]] std::string render_audit(const AuditVerdict& verdict, const Terminal& terminal);
[[nodiscard]] std::string audit_as_json(const AuditVerdict& verdict);

// Public keys, one a line in hex digits; empty lines and what follows '#' do not count.
[[nodiscard]] Outcome<std::vector<wal::PublicKey>> parse_keys(const std::string& text);

}  // namespace fluxrig::client
