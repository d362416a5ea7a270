// Options that several network gears share, and how they are read. Any thread.
#pragma once

#include <optional>
#include <vector>

#include "gear/net/tls.hpp"
#include "gear/settings.hpp"

namespace fluxrig::gear::net {

[[nodiscard]] Option framing_option();
[[nodiscard]] Option server_tls_option();
[[nodiscard]] Option client_tls_option();
[[nodiscard]] std::optional<TlsFiles> server_tls(const Settings& settings);
[[nodiscard]] std::optional<TlsFiles> client_tls(const Settings& settings);

// A client certificate without its key, or the reverse.
void check_client_tls(const Settings& settings, std::vector<yaml::Complaint>& complaints);

}  // namespace fluxrig::gear::net
