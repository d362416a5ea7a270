#include "sanitize/key_command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "sanitize/sanitizer.hpp"
#include "sanitize/scan/cut_end.hpp"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX has it declared by the program

namespace fluxrig::sanitize {
namespace {

constexpr std::size_t kMostOutput = 256;  // two lines of keys are 150 bytes
constexpr std::size_t kMostComplaint = 200;
constexpr std::size_t kLeastSecret = 20;  // so many letters and digits in a row are not shown

using Clock = std::chrono::steady_clock;

// What one stream of the command gave: at most so many bytes, the rest read and thrown away.
template <std::size_t kMost>
struct Gathered {
  std::array<char, kMost + 1> bytes{};  // one more tells that there was too much
  std::size_t size = 0;
  int fd = -1;

  Gathered() = default;
  Gathered(const Gathered&) = delete;
  Gathered& operator=(const Gathered&) = delete;
  ~Gathered() {
    ::OPENSSL_cleanse(bytes.data(), bytes.size());
    if (fd >= 0) ::close(fd);
  }
  // False: the stream has ended.
  [[nodiscard]] bool read_some() {
    std::array<char, 512> part{};
    const auto got = ::read(fd, part.data(), part.size());
    if (got > 0) {
      const auto taken = std::min(static_cast<std::size_t>(got), bytes.size() - size);
      std::copy_n(part.begin(), taken, bytes.begin() + static_cast<std::ptrdiff_t>(size));
      size += taken;
    }
    ::OPENSSL_cleanse(part.data(), part.size());
    return got > 0 || (got < 0 && errno == EINTR);
  }
  [[nodiscard]] std::string_view text() const noexcept { return {bytes.data(), size}; }
};

struct Child {
  pid_t pid = -1;
  Gathered<kMostOutput> output;
  Gathered<kMostComplaint> complaint;
};

// Its first line, without what could be a key or a number, and without what a terminal would obey.
std::string shown(std::string_view complaint) {
  std::string line(complaint.substr(0, complaint.find('\n')));
  if (line.size() >= kMostComplaint) hide_cut_end(line);
  std::string out = mask_card_numbers(line);
  std::size_t run = 0;
  for (std::size_t i = 0; i <= out.size(); ++i) {
    const bool word =
        i < out.size() && (std::isalnum(static_cast<unsigned char>(out[i])) != 0 || out[i] == '+' ||
                           out[i] == '/' || out[i] == '=' || out[i] == '-' || out[i] == '_');
    if (word) {
      ++run;
      continue;
    }
    if (run >= kLeastSecret) std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(i - run), run, '*');
    run = 0;
    if (i < out.size() && (static_cast<unsigned char>(out[i]) < ' ' || out[i] == 127)) out[i] = '?';
  }
  return out;
}

int spawn(const KeyCommand& command, Child& child) {
  int output[2];
  int complaint[2];
  if (::pipe2(output, O_CLOEXEC) != 0) return errno;
  child.output.fd = output[0];
  if (::pipe2(complaint, O_CLOEXEC) != 0) {
    ::close(output[1]);
    return errno;
  }
  child.complaint.fd = complaint[0];
  std::vector<std::string> words = command.words;
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, output[1], 1);
  ::posix_spawn_file_actions_adddup2(&files, complaint[1], 2);
  // A group of its own, so that what it starts ends with it; no signal of ours stays blocked in it.
  sigset_t none;
  sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  const int failed = ::posix_spawnp(&child.pid, arguments[0], &files, &attributes, arguments.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  ::close(output[1]);
  ::close(complaint[1]);
  return failed;
}

// Until both streams have ended; false: the time was over first.
bool gather(Child& child, Clock::time_point deadline) {
  std::array<pollfd, 2> waits{{{child.output.fd, POLLIN, 0}, {child.complaint.fd, POLLIN, 0}}};
  while (waits[0].fd >= 0 || waits[1].fd >= 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    if (::poll(waits.data(), waits.size(), static_cast<int>(left)) < 0 && errno != EINTR) return false;
    if (waits[0].revents != 0 && !child.output.read_some()) waits[0].fd = -1;
    if (waits[1].revents != 0 && !child.complaint.read_some()) waits[1].fd = -1;
  }
  return true;
}

// The status of its end; nullopt: it had not ended by then, and was killed.
std::optional<int> wait_for_end(pid_t pid, Clock::time_point deadline) {
  constexpr timespec kPause{0, 10'000'000};
  int status = 0;
  for (;;) {
    const auto ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid) return status;
    if (ended < 0 && errno != EINTR) return std::nullopt;
    if (Clock::now() >= deadline) break;
    ::nanosleep(&kPause, nullptr);
  }
  ::kill(-pid, SIGKILL);
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return std::nullopt;
}

}  // namespace

Outcome<TokenKeys> token_keys_from(const KeyCommand& command) {
  const std::string name = command.words.empty() ? "" : mask_card_numbers(command.words.front());
  if (command.words.empty() || command.words.front().empty())
    return problem("keys: the command has no words");
  Child child;
  if (const int failed = spawn(command, child); failed != 0)
    return problem(fmt::format("keys: cannot run '{}': {}", name, std::strerror(failed)));
  const auto deadline = Clock::now() + command.timeout;
  const bool gathered = gather(child, deadline);
  const auto status = wait_for_end(child.pid, gathered ? deadline : Clock::now());
  if (!status)
    return problem(
        fmt::format("keys: '{}' had not ended after {} ms, and was killed", name, command.timeout.count()));
  if (!WIFEXITED(*status) || WEXITSTATUS(*status) != 0) {
    const auto how = WIFEXITED(*status) ? fmt::format("exit code {}", WEXITSTATUS(*status))
                                        : fmt::format("signal {}", WTERMSIG(*status));
    const auto said = shown(child.complaint.text());
    return problem(fmt::format("keys: '{}' ended with {}{}{}", name, how, said.empty() ? "" : ": ", said));
  }
  auto keys = child.output.size > kMostOutput ? std::nullopt : parse_token_keys(child.output.text());
  if (!keys)
    return problem(
        fmt::format("keys: what '{}' printed is not one or two lines of '<id> <64 hex digits>'", name));
  return *std::move(keys);
}

}  // namespace fluxrig::sanitize
