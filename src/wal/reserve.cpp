#include "wal/reserve.hpp"

namespace fluxrig::wal {
namespace {
constexpr std::string_view kPrefix = "reserve-";
}

std::string Reserve::path(std::uint64_t number) const {
  return directory_ + "/" + std::string(kPrefix) + std::to_string(number);
}

void Reserve::find() {
  const auto names = disk_.list(directory_);
  if (!names) return;
  for (const auto& name : *names) {
    if (!name.starts_with(kPrefix)) continue;
    // The names of those that stay are 1, 2, ... : one of another name, or not whole, is made again.
    const auto file = disk_.open(directory_ + "/" + name, OpenMode::kRead);
    const bool whole = file && (*file)->size() == kStepBytes;
    if (whole && held_ < wanted_ && directory_ + "/" + name == path(held_ + 1)) {
      ++held_;
      continue;
    }
    (void)disk_.unlink(directory_ + "/" + name);
  }
}

bool Reserve::give_up() {
  if (held_ == 0) return false;
  given_up_ = true;
  const auto gone = disk_.unlink(path(held_--));
  // The space is there at once; that the name stays gone after a crash does not matter.
  return gone.has_value();
}

Result<void> Reserve::take() {
  if (whole()) return {};
  const std::string next = path(held_ + 1);
  const auto file = disk_.open(next, OpenMode::kCreateEmpty);
  auto done = file ? (*file)->allocate(kStepBytes) : Result<void>(tl::unexpected(file.error()));
  if (!done) {
    (void)disk_.unlink(next);
    return done;
  }
  if (++held_ == wanted_) given_up_ = false;
  return {};
}

}  // namespace fluxrig::wal
