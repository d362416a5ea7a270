#include "snake/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace fluxrig::snake {

namespace {

constexpr std::size_t kMaxOutput = 64U << 10;
constexpr int kInheritedDescriptor = 3;

// Between fork and exec: only calls that are safe after a fork of a process with threads.
[[noreturn]] void become(char* const* arguments, const SpawnRequest& request, int report, pid_t parent) {
  (void)::setpgid(0, 0);
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // the parent died before the line above
  sigset_t none;
  sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
  (void)::signal(SIGPIPE, SIG_DFL);
  const int empty = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const int output = request.output >= 0 ? request.output : empty;
  (void)::dup2(empty, 0);
  (void)::dup2(output, 1);
  (void)::dup2(output, 2);
  // Descriptor 3 may be the report pipe itself: move that away first.
  const int moved = ::fcntl(report, F_DUPFD_CLOEXEC, kInheritedDescriptor + 1);
  if (request.inherited >= 0 && request.inherited != kInheritedDescriptor)
    (void)::dup2(request.inherited, kInheritedDescriptor);
  else if (request.inherited == kInheritedDescriptor)
    (void)::fcntl(kInheritedDescriptor, F_SETFD, 0);
  ::execvp(arguments[0], arguments);
  const int error = errno;
  (void)!::write(moved, &error, sizeof error);
  ::_exit(127);
}

}  // namespace

Result<pid_t> spawn(const SpawnRequest& request) {
  std::vector<std::string> copies = request.arguments;
  std::vector<char*> arguments;
  for (auto& copy : copies) arguments.push_back(copy.data());
  arguments.push_back(nullptr);
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) return fail(ErrorCode::kIo, "cannot make a pipe", errno);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become(arguments.data(), request, report[1], parent);
  const int fork_error = errno;
  ::close(report[1]);
  int error = 0;
  ssize_t got = 0;
  if (pid > 0) do
      got = ::read(report[0], &error, sizeof error);
    while (got < 0 && errno == EINTR);
  ::close(report[0]);
  if (pid < 0) return fail(ErrorCode::kIo, "cannot start a process", fork_error);
  if (got == sizeof error) {
    (void)::waitpid(pid, nullptr, 0);
    return fail(error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo, "cannot execute the program", error);
  }
  return pid;
}

Result<CommandResult> run_command(const std::vector<std::string>& arguments,
                                  std::chrono::milliseconds deadline) {
  int output[2];
  if (::pipe2(output, O_CLOEXEC) != 0) return fail(ErrorCode::kIo, "cannot make a pipe", errno);
  const auto pid = spawn({.arguments = arguments, .output = output[1]});
  ::close(output[1]);
  if (!pid) {
    ::close(output[0]);
    return tl::unexpected<Error>(pid.error());
  }
  CommandResult result;
  const auto end = std::chrono::steady_clock::now() + deadline;
  bool late = false;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    struct pollfd ready {
      output[0], POLLIN, 0
    };
    const int count = left <= 0 ? 0 : ::poll(&ready, 1, static_cast<int>(left));
    if (count < 0 && errno == EINTR) continue;
    late = count <= 0;
    if (late) break;
    char buffer[4096];
    const auto got = ::read(output[0], buffer, sizeof buffer);
    if (got <= 0) break;
    if (result.output.size() < kMaxOutput) result.output.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(output[0]);
  if (late) (void)::kill(*pid, SIGKILL);
  while (::waitpid(*pid, &result.status, 0) < 0 && errno == EINTR) {
  }
  if (late) return fail(ErrorCode::kTimeout, "the program did not end in time");
  return result;
}

}  // namespace fluxrig::snake
