// Walks through a function one instruction at a time, in a process of its own (ptrace), and looks at each:
// how many there are, and which of them lock the bus, enter the kernel or allocate. x86-64, Linux.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace fluxrig::bench {

struct Steps {
  std::uint64_t instructions = 0;
  std::uint64_t locked = 0;        // with a lock prefix, or an exchange with memory
  std::uint64_t system_calls = 0;  // those that the vDSO answers are none
  std::uint64_t allocations = 0;   // calls of malloc, calloc, realloc, aligned_alloc or posix_memalign
};

// Of each of `times` calls of `once`, after some that nobody looks at. Ends the program when it may not
// trace.
[[nodiscard]] std::vector<Steps> step_through(const std::function<void()>& once, std::size_t times);

}  // namespace fluxrig::bench
