#include "wal/atomic_file.hpp"

#include "wal/frame.hpp"

namespace fluxrig::wal {

Result<void> store_atomically(Disk& disk, const std::string& directory, const std::string& name,
                              ByteView item) {
  if (item.size() > model::kMaxBlockBytes) return fail(ErrorCode::kOversize, "too much for one small file");
  Bytes framed;
  encode_frame(item, framed);
  const std::string path = directory + "/" + name;
  const std::string beside = path + ".new";
  {
    auto file = disk.open(beside, OpenMode::kCreateEmpty);
    if (!file) return tl::unexpected(file.error());
    if (const auto written = (*file)->write_at(0, framed); !written) return written;
    // Before the rename: a name must never point at bytes that a crash can still take away.
    if (const auto synced = (*file)->sync(); !synced) return synced;
  }
  if (const auto renamed = disk.rename(beside, path); !renamed) return renamed;
  return disk.sync_directory(directory);
}

Result<Bytes> load_whole(Disk& disk, const std::string& directory, const std::string& name) {
  const auto file = disk.open(directory + "/" + name, OpenMode::kRead);
  if (!file) return tl::unexpected(file.error());
  const auto size = (*file)->size();
  if (!size) return tl::unexpected(size.error());
  if (*size > kMaxFrameBytes) return fail(ErrorCode::kOversize, "the file is over the limit");
  Bytes content(static_cast<std::size_t>(*size));
  const auto count = (*file)->read_at(0, content);
  if (!count) return tl::unexpected(count.error());
  content.resize(*count);
  const auto frame = decode_frame(content);
  if (!frame || frame->frame_bytes != content.size())
    return fail(ErrorCode::kCorrupt, "the file's checksum does not match");
  return Bytes(frame->block.begin(), frame->block.end());
}

}  // namespace fluxrig::wal
