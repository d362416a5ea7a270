#include "base/core_dumps.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace fluxrig {
namespace {

void set(bool allowed) noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_CORE, &limit) == 0) {
    limit.rlim_cur = allowed ? limit.rlim_max : 0;
    ::setrlimit(RLIMIT_CORE, &limit);
  }
  ::prctl(PR_SET_DUMPABLE, allowed ? 1 : 0, 0, 0, 0);
}

}  // namespace

void forbid_core_dumps() noexcept { set(false); }
void allow_core_dumps() noexcept { set(true); }

}  // namespace fluxrig
