#include "bench/cost/steps.hpp"

#include <dlfcn.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <new>

#include "bench/give_up.hpp"

namespace fluxrig::bench {
namespace {

constexpr int kUnseen = 64;  // calls before the first that is looked at

// The child: a breakpoint before each call that counts, and one after it.
[[noreturn]] void be_walked_through(const std::function<void()>& once, std::size_t times) {
  if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(1);
  ::raise(SIGSTOP);
  for (int i = 0; i < kUnseen; ++i) once();
  for (; times > 0; --times) {
    asm volatile("int3");
    once();
    asm volatile("int3");
  }
  ::_exit(0);
}

class Walker {
 public:
  explicit Walker(pid_t child) : child_(child) {
    constexpr std::array kNames{"malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign"};
    std::ranges::transform(kNames, allocators_.begin(), [](const char* name) {
      return reinterpret_cast<std::uint64_t>(::dlsym(RTLD_DEFAULT, name));
    });
  }

  // Until it has passed the next breakpoint.
  void go_on() {
    if (!resume(PTRACE_CONT)) give_up("the program ended while it was looked at");
  }

  // From behind one breakpoint to before the next.
  [[nodiscard]] Steps walk() {
    Steps steps;
    for (;;) {
      user_regs_struct registers;
      if (::ptrace(PTRACE_GETREGS, child_, nullptr, &registers) != 0) give_up("the registers cannot be read");
      const long word = ::ptrace(PTRACE_PEEKTEXT, child_, registers.rip, nullptr);
      std::array<std::uint8_t, sizeof word> code;
      std::memcpy(code.data(), &word, sizeof word);
      if (code[0] == kBreakpoint) return steps;
      look_at(code, steps);
      if (std::ranges::find(allocators_, registers.rip) != allocators_.end()) ++steps.allocations;
      if (!resume(PTRACE_SINGLESTEP)) give_up("the program ended while it was looked at");
    }
  }

 private:
  static constexpr std::uint8_t kBreakpoint = 0xcc;

  [[nodiscard]] bool resume(__ptrace_request how) {
    if (::ptrace(how, child_, nullptr, nullptr) != 0) give_up("the program cannot be resumed");
    int status = 0;
    if (::waitpid(child_, &status, 0) != child_) give_up("the program cannot be waited for");
    if (WIFEXITED(status)) return false;
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP) give_up("the program was stopped by a signal");
    return true;
  }

  static bool is_prefix(std::uint8_t byte) {
    constexpr std::array<std::uint8_t, 10> kPrefixes{0x66, 0x67, 0xf2, 0xf3, 0x2e,
                                                     0x36, 0x3e, 0x26, 0x64, 0x65};
    return std::ranges::find(kPrefixes, byte) != kPrefixes.end();
  }

  static void look_at(const std::array<std::uint8_t, sizeof(long)>& code, Steps& steps) {
    ++steps.instructions;
    std::size_t at = 0;
    bool locked = false;
    for (; at + 2 < code.size() && (is_prefix(code[at]) || code[at] == 0xf0); ++at)
      locked |= code[at] == 0xf0;
    if ((code[at] & 0xf0) == 0x40) ++at;  // REX
    const bool exchange = (code[at] == 0x86 || code[at] == 0x87) && code[at + 1] >> 6 != 3;
    if (locked || exchange) ++steps.locked;
    const bool enters =
        code[at] == 0xcd || (code[at] == 0x0f && (code[at + 1] == 0x05 || code[at + 1] == 0x34));
    if (enters) ++steps.system_calls;
  }

  pid_t child_;
  std::array<std::uint64_t, 5> allocators_{};
};

std::vector<Steps> walk_through(const std::function<void()>& once, std::size_t times) {
  const pid_t child = ::fork();
  if (child < 0) give_up("no process can be started");
  if (child == 0) be_walked_through(once, times);
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) give_up("ptrace is not permitted here");
  Walker walker(child);
  std::vector<Steps> all;
  while (all.size() < times) {
    walker.go_on();
    all.push_back(walker.walk());
    walker.go_on();
  }
  ::kill(child, SIGKILL);
  (void)::waitpid(child, &status, 0);
  return all;
}

// A walker that saw nothing would find nothing: what it is to find is put before it first.
void show_that_it_sees() {
  static std::atomic<int> shared{0};
  static void* volatile memory = nullptr;
  const Steps locks = walk_through([] { shared.fetch_add(1); }, 1).front();
  const Steps enters = walk_through([] { (void)::syscall(SYS_getppid); }, 1).front();
  const Steps allocates = walk_through(
                              [] {
                                memory = ::operator new(64);
                                ::operator delete(memory);
                              },
                              1)
                              .front();
  if (locks.locked == 0 || enters.system_calls == 0 || allocates.allocations == 0)
    give_up("the walk through a program misses locked instructions, system calls or allocations");
}

}  // namespace

std::vector<Steps> step_through(const std::function<void()>& once, std::size_t times) {
  show_that_it_sees();
  // The call itself, which is none of it.
  const std::uint64_t call = walk_through([] {}, 1).front().instructions;
  std::vector<Steps> all = walk_through(once, times);
  for (Steps& steps : all) steps.instructions -= std::min(call, steps.instructions);
  return all;
}

}  // namespace fluxrig::bench
