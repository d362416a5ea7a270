// A child process in its own group that dies with us. Private to this module. One thread: the one that
// spawned it, which must live as long as the child (the kernel ties the child's death signal to that thread).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace fluxrig::snake {

struct SpawnRequest {
  std::vector<std::string> arguments;  // the first is the program, looked up in PATH
  int output = -1;                     // becomes its stdout and stderr; -1: /dev/null
  int inherited = -1;                  // becomes its descriptor 3 (a lock); -1: none
};

// Errors name the cause; ENOENT means the program is not installed.
[[nodiscard]] Result<pid_t> spawn(const SpawnRequest& request);

struct CommandResult {
  int status = 0;  // as waitpid gives it
  std::string output;
};
// Runs to its end, or kills it at the deadline (kTimeout). Keeps at most 64 KiB of its output.
[[nodiscard]] Result<CommandResult> run_command(const std::vector<std::string>& arguments,
                                                std::chrono::milliseconds deadline);

}  // namespace fluxrig::snake
