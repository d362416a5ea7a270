// What the machine says to a scenario: ports that are taken, directories that are not there.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "rack/scenario.hpp"

namespace fluxrig::rack {
namespace {

struct Socket {
  int fd;
  explicit Socket(int family) : fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (fd >= 0) close(fd);
  }
};

// The errno of binding and listening as a gear would; 0 when it works.
int try_listen(const gear::Endpoint& endpoint) {
  const std::string host = endpoint.host.empty() ? "0.0.0.0" : endpoint.host;
  sockaddr_storage storage{};
  socklen_t size = 0;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(endpoint.port);
    size = sizeof *v4;
  } else if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(endpoint.port);
    size = sizeof *v6;
  } else {
    return EINVAL;
  }
  const Socket listener(storage.ss_family);
  if (listener.fd < 0) return errno;
  const int on = 1;  // as the gears do: a connection in TIME_WAIT is no reason to refuse
  if (setsockopt(listener.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return errno;
  if (bind(listener.fd, reinterpret_cast<const sockaddr*>(&storage), size) != 0) return errno;
  if (listen(listener.fd, 1) != 0) return errno;
  return 0;
}

std::string next_step(const gear::Endpoint& endpoint, int os_error) {
  if (os_error == EADDRINUSE)
    return fmt::format("find the holder with: ss -ltnp 'sport = :{}'", endpoint.port);
  if (os_error == EACCES)
    return "ports below 1024 need the capability CAP_NET_BIND_SERVICE; use a higher one";
  if (os_error == EADDRNOTAVAIL) return "no interface of this machine has that address; see: ip address";
  return "choose another address";
}

}  // namespace

std::vector<ListenPlace> listen_places(const Scenario& scenario) {
  std::vector<ListenPlace> places;
  for (const auto& entry : scenario.gears)
    for (const auto& option : entry.type->options)
      if (option.type == gear::OptionType::kListen && entry.settings.has(option.name))
        places.push_back({fmt::format("gear '{}'", entry.name), entry.settings.endpoint(option.name),
                          entry.settings.mark(option.name)});
  if (scenario.monitor) places.push_back({"monitor", scenario.monitor->listen, scenario.monitor->mark});
  return places;
}

std::vector<yaml::Complaint> check_ports(const Scenario& scenario) {
  std::vector<yaml::Complaint> complaints;
  for (const auto& [owner, endpoint, mark] : listen_places(scenario)) {
    const int os_error = try_listen(endpoint);
    if (os_error == 0) continue;
    const std::string what = os_error == EADDRINUSE ? fmt::format("port {} is in use", endpoint.port)
                                                    : fmt::format("cannot listen on {}:{}: {}",
                                                                  endpoint.host.empty() ? "*" : endpoint.host,
                                                                  endpoint.port, std::strerror(os_error));
    complaints.push_back({mark, 1, fmt::format("{}: {}", owner, what), next_step(endpoint, os_error)});
  }
  return complaints;
}

std::vector<yaml::Complaint> check_directories(const Scenario& scenario) {
  std::vector<yaml::Complaint> complaints;
  struct stat status {};
  if (scenario.mixer &&
      (stat(scenario.mixer->certificates.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)))
    complaints.push_back(
        {{},
         1,
         fmt::format("mixer: there is no directory {} with certificates", scenario.mixer->certificates),
         "make them with: fluxrig pki issue"});
  if (stat(scenario.data.c_str(), &status) == 0 && !S_ISDIR(status.st_mode))
    complaints.push_back({{},
                          1,
                          fmt::format("data: {} is no directory", scenario.data),
                          "name a directory, or none that exists"});
  return complaints;
}

}  // namespace fluxrig::rack
