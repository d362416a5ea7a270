#include "snake/server_check.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "snake/nats_native.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::snake {
namespace {

constexpr std::size_t kMaxInfoBytes = 32U << 10;
constexpr std::chrono::milliseconds kAskFor{3'000};
constexpr ServerVersion kOldest{2, 9, 0};
constexpr ServerVersion kSyncAlways{2, 10, 0};
constexpr ServerVersion kLosingFirst{2, 10, 20};  // lost whole streams on kill -9
constexpr ServerVersion kLosingLast{2, 10, 22};
constexpr std::uint64_t kWantedPayload = 1U << 20;

std::string text_of(ServerVersion version) {
  return fmt::format("{}.{}.{}", version.major, version.minor, version.patch);
}

std::string_view value_of(std::string_view json, std::string_view key) {
  const auto at = json.find(key);
  return at == std::string_view::npos ? std::string_view{} : json.substr(at + key.size());
}

std::optional<ServerVersion> parse_version(std::string_view text) {
  ServerVersion version;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (int* part : {&version.major, &version.minor, &version.patch}) {
    const auto [next, error] = std::from_chars(at, end, *part);
    if (error != std::errc{}) return std::nullopt;
    at = next;
    if (part != &version.patch && (at == end || *at++ != '.')) return std::nullopt;
  }
  return version;
}

struct HostPort {
  std::string host, port;
};

HostPort split(std::string address) {
  if (const auto scheme = address.find("://"); scheme != std::string::npos) address.erase(0, scheme + 3);
  const auto colon = address.rfind(':');
  const bool has_port = colon != std::string::npos && address.find(']', colon) == std::string::npos;
  HostPort place{has_port ? address.substr(0, colon) : address,
                 has_port ? address.substr(colon + 1) : "4222"};
  if (place.host.size() > 2 && place.host.front() == '[')
    place.host = place.host.substr(1, place.host.size() - 2);
  return place;
}

// The first line, as far as it comes in time.
std::string read_line(int fd, std::chrono::steady_clock::time_point end) {
  std::string line;
  std::array<char, 4096> part{};
  while (line.size() < kMaxInfoBytes && line.find('\n') == std::string::npos) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    struct pollfd event {
      fd, POLLIN, 0
    };
    if (left.count() <= 0 || ::poll(&event, 1, static_cast<int>(left.count())) <= 0) break;
    const auto got = ::recv(fd, part.data(), part.size(), 0);
    if (got <= 0) break;
    line.append(part.data(), static_cast<std::size_t>(got));
  }
  return line;
}

// -1: none answers.
int open_socket(const HostPort& place, std::chrono::steady_clock::time_point end) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(place.host.c_str(), place.port.c_str(), &hints, &found) != 0) return -1;
  int connected = -1;
  for (const addrinfo* at = found; at != nullptr && connected < 0; at = at->ai_next) {
    const int fd = ::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) continue;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    struct pollfd event {
      fd, POLLOUT, 0
    };
    int error = 0;
    socklen_t size = sizeof error;
    const bool begun = ::connect(fd, at->ai_addr, at->ai_addrlen) == 0 || errno == EINPROGRESS;
    if (begun && left.count() > 0 && ::poll(&event, 1, static_cast<int>(left.count())) > 0 &&
        ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
      connected = fd;
    else
      ::close(fd);
  }
  ::freeaddrinfo(found);
  return connected;
}

void check_limits(NatsBus& bus, const StreamSizes& sizes, Diagnostics& diagnostics) {
  jsAccountInfo* raw = nullptr;
  jsErrCode code{};
  const auto status = js_GetAccountInfo(&raw, bus.native().jetstream.get(), nullptr, &code);
  const std::unique_ptr<jsAccountInfo, NativeDelete<jsAccountInfo_Destroy>> info(raw);
  if (status != NATS_OK || info->Limits.MaxStore < 0) return;
  const auto wanted = sizes.message_bytes + sizes.audit_bytes + sizes.telemetry_bytes +
                      sizes.dead_letter_bytes + sizes.advisory_bytes;
  if (info->Limits.MaxStore >= wanted * sizes.replicas) return;
  diagnostics.warn("snake",
                   "the server's JetStream limit for this account is below the sizes of the streams: it "
                   "refuses messages before they are full; raise it, or lower 'streams' in mixer.yaml",
                   {{"limit_bytes", std::to_string(info->Limits.MaxStore)},
                    {"streams_bytes", std::to_string(wanted * sizes.replicas)}});
}

}  // namespace

std::optional<ServerInfo> parse_server_info(std::string_view line) {
  if (line.substr(0, 6) != "INFO {") return std::nullopt;
  ServerInfo info;
  const auto version = value_of(line, "\"version\":\"");
  const auto parsed = parse_version(version.substr(0, version.find('"')));
  if (!parsed) return std::nullopt;
  info.version = *parsed;
  info.jetstream = value_of(line, "\"jetstream\":").substr(0, 4) == "true";
  const auto payload = value_of(line, "\"max_payload\":");
  (void)std::from_chars(payload.data(), payload.data() + payload.size(), info.max_payload);
  return info;
}

Outcome<ServerInfo> ask_server_info(const std::string& address, std::chrono::milliseconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  const int fd = open_socket(split(address), end);
  if (fd < 0) return problem(fmt::format("no server answers at {}", address));
  const auto line = read_line(fd, end);
  ::close(fd);
  if (const auto info = parse_server_info(line)) return *info;
  return problem(fmt::format("the server at {} does not say what it is", address));
}

std::string durability_warning(ServerVersion version, ServerOwner owner) {
  if (version >= kLosingFirst && version <= kLosingLast)
    return fmt::format(
        "nats-server {} is known to lose whole streams when it is killed: install another version",
        text_of(version));
  constexpr std::string_view kCost =
      "a power loss may cost the business messages that it acknowledged in the last seconds (up to 2 "
      "minutes); "
      "records are safe, racks keep them until they are stored";
  if (version < kSyncAlways)
    return fmt::format(
        "nats-server {} cannot sync before it acknowledges: {}; the remedy is version 2.10 or newer, or "
        "three "
        "replicas on a cluster",
        text_of(version), kCost);
  if (owner == ServerOwner::kMixer) return {};
  return fmt::format(
      "whether the server syncs before it acknowledges cannot be seen from here: without 'sync_interval: "
      "always' in its jetstream block, or three replicas, {}",
      kCost);
}

std::vector<std::string> stream_faults(NatsBus& bus) {
  std::vector<std::string> faults;
  for (const auto name :
       {kStreamMessages, kStreamAudit, kStreamTelemetry, kStreamDeadLetters, kStreamAdvisories}) {
    jsStreamInfo* raw = nullptr;
    jsErrCode code{};
    const auto status = js_GetStreamInfo(&raw, bus.native().jetstream.get(), name.data(), nullptr, &code);
    const StreamInfoHandle info(raw);
    if (status != NATS_OK) continue;
    const auto& config = *info->Config;
    const auto fault = [&](std::string_view what) {
      faults.push_back(fmt::format(
          "stream {} {}; this cannot be changed: when it is empty, remove it ('nats stream rm {}') "
          "and start the mixer again, which makes it anew",
          name, what, name));
    };
    if (config.Storage != js_FileStorage)
      fault("is kept in memory: a restart of the server loses what it acknowledged");
    if (config.Retention != js_LimitsPolicy)
      fault(
          "removes messages when they are acknowledged or nobody listens: dead letters and late racks find "
          "nothing");
    if (config.Sealed) fault("is sealed: it takes no messages");
    if (config.DenyPurge) fault("refuses to be trimmed: it fills up and then refuses messages");
  }
  return faults;
}

Outcome<void> check_server(NatsBus& bus, const std::string& address, ServerOwner owner,
                           const StreamSizes& sizes, Diagnostics& diagnostics) {
  const auto info = ask_server_info(address, kAskFor);
  if (info) {
    if (info->version < kOldest)
      return problem(fmt::format("the server at {} is nats-server {}; 2.9 or newer is needed", address,
                                 text_of(info->version)));
    if (!info->jetstream)
      return problem(
          fmt::format("the server at {} runs without JetStream: give it a 'jetstream' block", address));
    if (const auto warning = durability_warning(info->version, owner); !warning.empty())
      diagnostics.warn("snake", warning);
    if (info->max_payload != 0 && info->max_payload < kWantedPayload)
      diagnostics.warn("snake", "the server takes smaller messages than racks may send; set max_payload: 1MB",
                       {{"max_payload", std::to_string(info->max_payload)}});
  } else {
    diagnostics.warn("snake", "the server's version cannot be checked", {{"cause", info.error().message}});
  }
  for (const auto& fault : stream_faults(bus)) diagnostics.error("snake", fault);
  check_limits(bus, sizes, diagnostics);
  return {};
}

}  // namespace fluxrig::snake
