// Who asks the mixer for what it keeps a record of, and why. One thread.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace fluxrig::client {

struct Decider {
  std::string who;     // --by; else the user of this process at this host
  std::string reason;  // --reason
};
void add_decider_options(CLI::App& command, Decider& decider);

// "ana@ops1"
[[nodiscard]] std::string who_is_asking(const Decider& decider);
// who=...&reason=..., percent-encoded; without reason when there is none.
[[nodiscard]] std::string as_query(const Decider& decider);

}  // namespace fluxrig::client
