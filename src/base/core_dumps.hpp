// A core dump holds every message that was in memory. Programs forbid it before they read anything; who asks
// for it gets it back. One thread, before others run.
#pragma once

namespace fluxrig {

// RLIMIT_CORE 0 (the hard limit stays, so that `allow` can undo it) and PR_SET_DUMPABLE 0: the kernel writes
// none, a handler in core_pattern gets none, and no other process of the same user can read the memory.
void forbid_core_dumps() noexcept;
void allow_core_dumps() noexcept;

}  // namespace fluxrig
