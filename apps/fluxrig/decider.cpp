#include "fluxrig/decider.hpp"

#include <pwd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>

#include "fluxrig/api_client.hpp"

namespace fluxrig::client {

void add_decider_options(CLI::App& command, Decider& decider) {
  command.add_option("--reason", decider.reason, "why; kept in the mixer's store")->type_name("TEXT");
  command.add_option("--by", decider.who, "who decides (default: this user at this host)")->type_name("NAME");
}

std::string who_is_asking(const Decider& decider) {
  if (!decider.who.empty()) return decider.who;
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  // The user that the system knows, not the one that the environment names.
  const auto* user = ::getpwuid(::getuid());
  return (user != nullptr ? std::string(user->pw_name) : std::to_string(::getuid())) + "@" + host.data();
}

std::string as_query(const Decider& decider) {
  auto query = "who=" + percent_encoded(who_is_asking(decider));
  if (!decider.reason.empty()) query += "&reason=" + percent_encoded(decider.reason);
  return query;
}

}  // namespace fluxrig::client
