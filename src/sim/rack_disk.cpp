// A rack's disk that others fill.
#include "sim/rack_actor.hpp"

namespace fluxrig::sim {
namespace {
constexpr std::uint64_t kPlenty = std::uint64_t{1} << 40;  // free: nobody has filled the disk
}  // namespace

bool RackActor::is_full() {
  const auto free = disk_.free_bytes("");
  return free && *free < kPlenty;
}

void RackActor::fill_disk(std::uint64_t left) {
  disk_.set_capacity(~std::uint64_t{0} - *disk_.free_bytes("") + left);
  was_full_ = true;
}

}  // namespace fluxrig::sim
