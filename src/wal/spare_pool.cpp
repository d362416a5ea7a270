#include "wal/spare_pool.hpp"

#include <algorithm>
#include <utility>

#include "wal/active_segment.hpp"

namespace fluxrig::wal {
namespace {
constexpr std::string_view kPrefix = "spare-";
}

Result<void> SparePool::add(const std::string& path, std::uint64_t bytes) {
  std::string spare = directory_ + "/" + std::string(kPrefix) + std::to_string(++made_);
  if (const auto renamed = disk_.rename(path, spare); !renamed) return renamed;
  spares_.push_back({std::move(spare), bytes, 0, false, false});
  return {};
}

void SparePool::confirm() noexcept {
  for (auto& spare : spares_) spare.confirmed = true;
}

Background::Work SparePool::piece(const Spare& spare, std::uint64_t end) const {
  const auto mode = spare.is_new ? OpenMode::kCreateEmpty : OpenMode::kReadWrite;
  return [&disk = disk_, path = spare.path, from = spare.zeroed, end, mode]() -> Result<void> {
    const auto file = disk.open(path, mode);
    if (!file) return tl::unexpected(file.error());
    if (const auto written = write_zeros(**file, from, end); !written) return written;
    return (*file)->sync();
  };
}

Result<void> SparePool::settle(const Step& step, Result<void> done) {
  const auto at = std::find_if(spares_.begin(), spares_.end(),
                               [&](const Spare& spare) { return spare.path == step.path; });
  if (at == spares_.end()) {
    // Dropped meanwhile, and perhaps made after that.
    (void)disk_.unlink(step.path);
    return {};
  }
  at->is_new = false;
  at->zeroed = step.end;
  if (done) return done;
  // A spare that cannot be written is no use; its loss costs speed only.
  (void)disk_.unlink(at->path);
  spares_.erase(at);
  return done;
}

Result<void> SparePool::take_step() {
  if (!under_way_) return {};
  const Step step = *std::exchange(under_way_, std::nullopt);
  return settle(step, background_->take());
}

Result<bool> SparePool::step(std::uint64_t bytes) {
  if (under_way_) {
    if (!background_->done()) return false;
    if (const auto done = take_step(); !done) return tl::unexpected(done.error());
  }
  const auto at = std::find_if(spares_.begin(), spares_.end(), [](const Spare& spare) {
    return spare.confirmed && spare.zeroed != spare.bytes;
  });
  if (at == spares_.end()) return false;
  const Step step{at->path, std::min(at->bytes, at->zeroed + bytes)};
  auto work = piece(*at, step.end);
  if (background_ != nullptr) {
    under_way_ = step;
    background_->start(std::move(work));
    return false;
  }
  if (const auto done = settle(step, work()); !done) return tl::unexpected(done.error());
  return true;
}

void SparePool::work_beside(Background* background) {
  (void)take_step();
  background_ = background;
}

SparePool::~SparePool() { (void)take_step(); }

void SparePool::add_new(std::uint64_t bytes) {
  std::string path = directory_ + "/" + std::string(kPrefix) + std::to_string(++made_);
  spares_.push_back({std::move(path), bytes, 0, true, true});
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
    auto path = directory + "/";
    if (const auto gone = disk.unlink(path += name); !gone) return gone;
  }
  return {};
}

}  // namespace fluxrig::wal
