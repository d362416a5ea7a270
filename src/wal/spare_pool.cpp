#include "wal/spare_pool.hpp"

#include <algorithm>

#include "wal/active_segment.hpp"

namespace fluxrig::wal {
namespace {
constexpr std::string_view kPrefix = "spare-";
}

Result<void> SparePool::add(const std::string& path, std::uint64_t bytes) {
  std::string spare = directory_ + "/" + std::string(kPrefix) + std::to_string(++made_);
  if (const auto renamed = disk_.rename(path, spare); !renamed) return renamed;
  spares_.push_back({std::move(spare), bytes, 0, false});
  return {};
}

void SparePool::confirm() noexcept {
  for (auto& spare : spares_) spare.confirmed = true;
}

Result<bool> SparePool::step(std::uint64_t bytes) {
  for (auto at = spares_.begin(); at != spares_.end(); ++at) {
    if (!at->confirmed || at->zeroed == at->bytes) continue;
    const std::uint64_t end = std::min(at->bytes, at->zeroed + bytes);
    auto file = disk_.open(at->path, OpenMode::kReadWrite);
    auto done = file ? write_zeros(**file, at->zeroed, end) : Result<void>(tl::unexpected(file.error()));
    if (done) done = (*file)->sync();
    if (!done) {
      // A spare that cannot be written is no use; its loss costs speed only.
      (void)disk_.unlink(at->path);
      spares_.erase(at);
      return tl::unexpected(done.error());
    }
    at->zeroed = end;
    return true;
  }
  return false;
}

std::optional<SparePool::Ready> SparePool::take() {
  const auto at = std::find_if(spares_.begin(), spares_.end(),
                               [](const Spare& spare) { return spare.zeroed == spare.bytes; });
  if (at == spares_.end()) return std::nullopt;
  Ready ready{std::move(at->path), at->bytes};
  spares_.erase(at);
  return ready;
}

bool SparePool::ready() const noexcept {
  return std::any_of(spares_.begin(), spares_.end(),
                     [](const Spare& spare) { return spare.zeroed == spare.bytes; });
}

void SparePool::drop_all() {
  for (const auto& spare : spares_) (void)disk_.unlink(spare.path);
  spares_.clear();
}

std::uint64_t SparePool::bytes() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& spare : spares_) sum += spare.bytes;
  return sum;
}

Result<void> drop_spares(Disk& disk, const std::string& directory) {
  const auto names = disk.list(directory);
  if (!names) return tl::unexpected(names.error());
  for (const auto& name : *names) {
    if (!name.starts_with(kPrefix)) continue;
    if (const auto gone = disk.unlink(directory + "/" + name); !gone) return gone;
  }
  return {};
}

}  // namespace fluxrig::wal
