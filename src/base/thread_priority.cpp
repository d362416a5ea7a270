#include "base/thread_priority.hpp"

#include <sys/resource.h>

namespace fluxrig {
namespace {
constexpr int kNice = 5;
}  // namespace

// On Linux a nice value is a thread's own.
void work_behind_business() noexcept {
  if (::getpriority(PRIO_PROCESS, 0) < kNice) (void)::setpriority(PRIO_PROCESS, 0, kNice);
}

}  // namespace fluxrig
