// index.yaml of a certificate directory: every certificate that the authority issued. The server's users come
// from it. One thread; written atomically.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"

namespace fluxrig::snake {

enum class CertificateRole : std::uint8_t { kRack, kMixer, kServer, kClient };
[[nodiscard]] std::string_view to_string(CertificateRole role) noexcept;

struct IndexEntry {
  std::string name;
  CertificateRole role = CertificateRole::kRack;
  std::optional<MachineId> machine_id;  // racks only
  std::string subject;                  // as nats-server maps it to a user
  std::string serial;
  UnixNanos not_after;
};

struct CertificateIndex {
  std::vector<IndexEntry> entries;
  // The last one issued under a name; a renewed rack keeps its machine_id.
  [[nodiscard]] const IndexEntry* find(CertificateRole role, std::string_view name) const noexcept;
};

inline constexpr std::size_t kMaxIndexEntries = 10'000;

[[nodiscard]] Outcome<CertificateIndex> parse_index(std::string_view text, std::string_view file);
[[nodiscard]] std::string render_index(const CertificateIndex& index);
// DIR/index.yaml.
[[nodiscard]] Outcome<CertificateIndex> load_index(const std::string& directory);
[[nodiscard]] Outcome<void> save_index(const std::string& directory, const CertificateIndex& index);

// For `fluxrig pki show`: a table, with a warning on each certificate that has expired or will within 30
// days.
[[nodiscard]] std::string describe_index(const CertificateIndex& index, UnixNanos now);

}  // namespace fluxrig::snake
