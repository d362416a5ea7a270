// The certificate authority of a deployment, in one directory: ca.crt, ca.key, index.yaml, token.key, and a
// pair of files for each certificate issued. Behind `fluxrig pki init|issue`. One thread; a second process
// waits on a lock.
#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "snake/pki/certificate_index.hpp"

namespace fluxrig::snake {

struct IssueRequest {
  CertificateRole role = CertificateRole::kRack;
  std::string name;                // files are <name>.crt and <name>.key
  std::vector<std::string> hosts;  // servers: DNS names and addresses that clients use
  int days = 365;
};

// EC P-256, self-signed, ten years; keys with mode 0600. Refuses a directory that already holds an authority.
[[nodiscard]] Outcome<void> init_authority(const std::string& directory, const Clock& clock);

// A rack gets a new machine_id, or keeps the one it has in the index. The files of an earlier certificate of
// the same name are replaced; the earlier certificate stays valid until its end.
[[nodiscard]] Outcome<IndexEntry> issue_certificate(const std::string& directory, const IssueRequest& request,
                                                    const Clock& clock, Random& random);

}  // namespace fluxrig::snake
