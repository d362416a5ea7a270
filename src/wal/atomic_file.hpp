// Small files that are replaced as a whole: written beside, synced, renamed, the directory synced. After a
// crash at any point the file is the old one or the new one. The content is one frame of docs/formats/wal.md
// around an item of CBOR. One thread.
#pragma once

#include <string>

#include "wal/disk.hpp"

namespace fluxrig::wal {

[[nodiscard]] Result<void> store_atomically(Disk& disk, const std::string& directory, const std::string& name,
                                            ByteView item);

// kNotFound when there is none, kCorrupt when its checksum does not fit, kOversize when it is over a block's
// size.
[[nodiscard]] Result<Bytes> load_whole(Disk& disk, const std::string& directory, const std::string& name);

}  // namespace fluxrig::wal
