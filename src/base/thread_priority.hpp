// Which threads the processor serves first where there are fewer processors than work.
#pragma once

namespace fluxrig {

// The calling thread, and those that it makes from now on, stand behind the threads that carry business: nice
// 5, a third of their share. Not more: what else runs on the machine goes before them as well. Cannot be
// taken back without privilege. Never raises; does nothing where the system refuses.
void work_behind_business() noexcept;

}  // namespace fluxrig
