#include "snake/server_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "snake/child_process.hpp"

namespace fluxrig::snake {

namespace {

constexpr std::chrono::milliseconds kCommandDeadline{10'000};
constexpr std::chrono::milliseconds kReloadDeadline{5'000};
constexpr int kProbeMillis = 20;
constexpr std::size_t kMaxLastWords = 64U << 10;

std::string absent(const std::string& executable) {
  return fmt::format(
      "'{}' is not installed: 'apt-get install nats-server' (2.9 or newer), or give the address of a running "
      "one",
      executable);
}

std::size_t file_size(const std::string& path) noexcept {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? static_cast<std::size_t>(info.st_size) : 0;
}

std::string read_from(const std::string& path, std::size_t from) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::string text(kMaxLastWords, '\0');
  const auto got = ::pread(fd, text.data(), text.size(), static_cast<off_t>(from));
  ::close(fd);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

bool accepts(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return false;
  bool connected = false;
  for (const addrinfo* at = found; at != nullptr && !connected; at = at->ai_next) {
    const int fd = ::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;
    connected = ::connect(fd, at->ai_addr, at->ai_addrlen) == 0;
    ::close(fd);
  }
  ::freeaddrinfo(found);
  return connected;
}

std::string last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  const auto cut = text.rfind('\n');
  return std::string(cut == std::string_view::npos ? text : text.substr(cut + 1));
}

// True: the lock is ours.
bool lock_in_time(int lock, std::chrono::milliseconds patience) {
  constexpr timespec kPause{0, 20'000'000};
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    ::nanosleep(&kPause, nullptr);
  }
  return true;
}

}  // namespace

Outcome<ServerVersion> server_version(const std::string& executable) {
  const auto result = run_command({executable, "--version"}, kCommandDeadline);
  if (!result)
    return problem(result.error().code == ErrorCode::kNotFound
                       ? absent(executable)
                       : fmt::format("cannot run '{}': {}", executable, to_string(result.error())));
  ServerVersion version;
  const auto at = result->output.find('v');
  const auto digits = result->output.find_first_of("0123456789", at == std::string::npos ? 0 : at);
  if (digits == std::string::npos || std::sscanf(result->output.c_str() + digits, "%d.%d.%d", &version.major,
                                                 &version.minor, &version.patch) != 3)
    return problem(fmt::format("'{} --version' does not say a version", executable));
  if (version < ServerVersion{2, 9, 0})
    return problem(fmt::format("'{}' is version {}.{}.{}; 2.9 or newer is needed", executable, version.major,
                               version.minor, version.patch));
  return version;
}

Outcome<void> validate_server_config(const std::string& executable, const std::string& file) {
  const auto result = run_command({executable, "-c", file, "-t"}, kCommandDeadline);
  if (!result)
    return problem(result.error().code == ErrorCode::kNotFound
                       ? absent(executable)
                       : fmt::format("cannot run '{}': {}", executable, to_string(result.error())));
  if (!WIFEXITED(result->status) || WEXITSTATUS(result->status) != 0)
    return problem(fmt::format("nats-server refuses '{}': {}", file, last_line(result->output)));
  return {};
}

Outcome<std::uint16_t> free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!bound) return problem(fmt::format("no free port on 127.0.0.1: {}", std::strerror(error)));
  return ntohs(address.sin_port);
}

ServerProcess::ServerProcess(ServerProcessOptions options, Diagnostics& diagnostics, int lock, int wake)
    : options_(std::move(options)), diagnostics_(diagnostics), lock_(lock), wake_(wake) {}

Outcome<std::unique_ptr<ServerProcess>> ServerProcess::start(ServerProcessOptions options,
                                                             Diagnostics& diagnostics) {
  if (auto valid = validate_server_config(options.executable, options.config_file); !valid)
    return problem(valid.error().message);
  const auto lock_path = options.store_directory + "/fluxrig.lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0)
    return problem(fmt::format("cannot use the store directory '{}': {}", options.store_directory,
                               std::strerror(errno)));
  if (!lock_in_time(lock, options.store_patience)) {
    ::close(lock);
    return problem(fmt::format(
        "another nats-server uses the store '{}': stop the mixer that runs it, or give this one its own "
        "directory",
        options.store_directory));
  }
  const int wake = ::eventfd(0, EFD_CLOEXEC);
  if (wake < 0) {
    ::close(lock);
    return problem(fmt::format("cannot make an eventfd: {}", std::strerror(errno)));
  }
  std::unique_ptr<ServerProcess> process(new ServerProcess(std::move(options), diagnostics, lock, wake));
  process->thread_ = std::thread([raw = process.get()] { raw->run(); });
  std::unique_lock guard(process->mutex_);
  process->started_.wait(guard, [&] { return process->first_known_; });  // bounded by start_deadline
  if (!process->first_) return problem(process->first_.error().message);
  guard.unlock();
  return process;
}

ServerProcess::~ServerProcess() {
  const std::uint64_t one = 1;
  (void)!::write(wake_, &one, sizeof one);
  if (thread_.joinable()) thread_.join();
  ::close(wake_);
  ::close(lock_);
}

Outcome<void> ServerProcess::launch() {
  const auto from = file_size(options_.log_file);
  if (accepts(options_.host, options_.port))
    return problem(fmt::format("port {} on {} is taken: stop what listens there, or choose another port",
                               options_.port, options_.host));
  const auto pid =
      spawn({.arguments = {options_.executable, "-c", options_.config_file}, .inherited = lock_});
  if (!pid)
    return problem(pid.error().code == ErrorCode::kNotFound
                       ? absent(options_.executable)
                       : fmt::format("cannot start '{}': {}", options_.executable, to_string(pid.error())));
  pid_.store(*pid);
  if (auto listening = await_listening(*pid); !listening) {
    const auto words = last_words(from);
    return problem(listening.error().message + (words.empty() ? "" : ": " + words));
  }
  return {};
}

Outcome<void> ServerProcess::await_listening(pid_t pid) {
  const auto end = std::chrono::steady_clock::now() + options_.start_deadline;
  while (std::chrono::steady_clock::now() < end) {
    if (::waitpid(pid, nullptr, WNOHANG) == pid) {
      pid_.store(0);
      return problem("nats-server ended while starting");
    }
    if (accepts(options_.host, options_.port)) return {};
    if (!wait_backoff(std::chrono::milliseconds(kProbeMillis))) break;
  }
  end_child(pid);
  return problem(fmt::format("nats-server does not accept connections on {}:{} after {} s", options_.host,
                             options_.port, options_.start_deadline.count() / 1000));
}

std::string ServerProcess::last_words(std::size_t from) const {
  const auto text = read_from(options_.log_file, from);
  if (text.find("address already in use") != std::string::npos)
    return fmt::format("port {} is taken: stop what listens there, or choose another port", options_.port);
  const auto fatal = text.rfind("[FTL]");
  if (fatal != std::string::npos) return text.substr(fatal + 6, text.find('\n', fatal) - fatal - 6);
  return last_line(text);
}

void ServerProcess::run() {
  auto first = launch();
  {
    const std::lock_guard lock(mutex_);
    first_ = first;
    first_known_ = true;
    started_.notify_all();
  }
  if (!first) return;
  auto backoff = options_.first_backoff;
  for (;;) {
    const pid_t pid = pid_.load();
    const auto began = std::chrono::steady_clock::now();
    if (pid != 0 && !wait_child(pid)) {
      end_child(pid);
      return;
    }
    if (std::chrono::steady_clock::now() - began > options_.longest_backoff) backoff = options_.first_backoff;
    diagnostics_.error("snake", "nats-server ended by itself: starting it again",
                       {{"wait_ms", std::to_string(backoff.count())}});
    if (!wait_backoff(backoff)) return;
    backoff = std::min(backoff * 2, options_.longest_backoff);
    restarts_.fetch_add(1);
    if (auto again = launch(); !again) diagnostics_.error("snake", again.error().message);
  }
}

bool ServerProcess::wait_child(pid_t pid) {
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  struct pollfd events[2] = {{wake_, POLLIN, 0}, {handle, POLLIN, 0}};
  while (::poll(events, 2, -1) < 0 && errno == EINTR) {
  }
  if (handle >= 0) ::close(handle);
  if ((events[0].revents & POLLIN) != 0) return false;
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_.store(0);
  return true;
}

bool ServerProcess::wait_backoff(std::chrono::milliseconds pause) {
  struct pollfd event {
    wake_, POLLIN, 0
  };
  return ::poll(&event, 1, static_cast<int>(pause.count())) <= 0;
}

void ServerProcess::end_child(pid_t pid) {
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  (void)::kill(pid, SIGTERM);
  struct pollfd event {
    handle, POLLIN, 0
  };
  if (::poll(&event, 1, static_cast<int>(options_.stop_deadline.count())) <= 0) (void)::kill(pid, SIGKILL);
  if (handle >= 0) ::close(handle);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_.store(0);
}

Outcome<void> ServerProcess::reload() {
  if (auto valid = validate_server_config(options_.executable, options_.config_file); !valid) return valid;
  const auto from = file_size(options_.log_file);
  const pid_t pid = pid_.load();
  if (pid == 0) return {};  // it is down: its next start reads the file
  if (::kill(pid, SIGHUP) != 0)
    return problem(fmt::format("cannot signal nats-server: {}", std::strerror(errno)));
  const auto end = std::chrono::steady_clock::now() + kReloadDeadline;
  while (std::chrono::steady_clock::now() < end) {
    const auto text = read_from(options_.log_file, from);
    if (text.find("Reloaded server configuration") != std::string::npos) return {};
    const auto refused = text.find("Failed to reload");
    if (refused != std::string::npos)
      return problem(
          fmt::format("nats-server: {}", text.substr(refused, text.find('\n', refused) - refused)));
    if (!wait_backoff(std::chrono::milliseconds(kProbeMillis))) break;
  }
  return problem("nats-server did not take its new configuration in time");
}

}  // namespace fluxrig::snake
