#include "rack/identity.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fluxrig::rack {
namespace {

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// The machine_id of a rack without a certificate: one line in the data directory.
Outcome<MachineId> own_machine_id(const std::string& path, Random& random) {
  char buffer[64];
  const int existing = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (existing >= 0) {
    const auto size = ::read(existing, buffer, sizeof buffer);
    ::close(existing);
    const auto id = size >= 36 ? parse_uuid(std::string_view(buffer, 36)) : std::nullopt;
    if (!id)
      return problem(fmt::format(
          "'{}' does not hold a machine_id; restore it, or delete it to become a new machine", path));
    return MachineId{*id};
  }
  const MachineId made = make_machine_id(random);
  const std::string line = to_string(made) + "\n";
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  const bool written = fd >= 0 &&
                       ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
                       ::fsync(fd) == 0;
  const int cause = errno;
  if (fd >= 0) ::close(fd);
  if (!written)
    return problem(
        fmt::format("cannot write '{}': {}; is the data directory writable?", path, std::strerror(cause)));
  return made;
}

}  // namespace

Outcome<Identity> load_identity(const Scenario& scenario, const Clock& clock, Random& random) {
  Identity identity;
  std::string token_path;
  if (scenario.mixer) {
    const std::string& folder = scenario.mixer->certificates;
    identity.certificates = snake::CertificateFiles{folder + "/ca.crt", folder + "/" + scenario.rack + ".crt",
                                                    folder + "/" + scenario.rack + ".key"};
    const auto facts = snake::check_certificate(*identity.certificates, clock.now());
    if (!facts)
      return problem(fmt::format("{}; 'fluxrig pki issue {} --rack {}' makes a certificate for this rack",
                                 facts.error().message, folder, scenario.rack));
    const auto machine_id = snake::machine_id_of(*facts, identity.certificates->certificate);
    if (!machine_id) return tl::unexpected(machine_id.error());
    identity.machine_id = *machine_id;
    token_path = folder + "/token.key";
  } else {
    const auto machine_id = own_machine_id(scenario.data + "/machine_id", random);
    if (!machine_id) return tl::unexpected(machine_id.error());
    identity.machine_id = *machine_id;
    token_path = scenario.data + "/token.key";
    if (!scenario.key_command && !exists(token_path))
      if (auto made = sanitize::create_token_key(token_path, "k1"); !made)
        return tl::unexpected(made.error());
  }
  auto keys = scenario.key_command ? sanitize::token_keys_from(*scenario.key_command)
                                   : sanitize::load_token_keys(token_path);
  if (!keys) return tl::unexpected(keys.error());
  identity.token_keys = *std::move(keys);
  return identity;
}

}  // namespace fluxrig::rack
