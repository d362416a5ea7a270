// What `fluxrig audit verify` prints, whatever the blocks came from. Any thread; values only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fluxrig/terminal.hpp"
#include "wal/bundle.hpp"

namespace fluxrig::client {

// The files of a mixer's store, held against the hashes that they were written with.
struct CheckedStore {
  static constexpr std::size_t kMaxListed = 1'000;
  struct Fault {
    std::string file;
    std::string what;  // a word of the mixer: altered, missing, unreadable
  };
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t unhashed = 0;  // written before there were hashes, and not read since
  std::uint64_t fault_count = 0;
  std::vector<Fault> faults;  // the first of them
};

struct AuditVerdict {
  std::string path;  // as it was given
  std::vector<wal::VerifiedMachine> machines;
  std::uint64_t torn_bytes = 0;       // unfinished at the end of a directory
  bool keys_given = false;            // not taken from the chain itself
  std::optional<CheckedStore> store;  // none: not asked for
  [[nodiscard]] bool good() const noexcept;
};

[[nodiscard]] std::string render_audit(const AuditVerdict& verdict, const Terminal& terminal);
[[nodiscard]] std::string audit_as_json(const AuditVerdict& verdict);

// Public keys, one a line in hex digits; empty lines and what follows '#' do not count.
[[nodiscard]] Outcome<std::vector<wal::PublicKey>> parse_keys(const std::string& text);

}  // namespace fluxrig::client
