#include "base/source_tree.hpp"

namespace fluxrig {

std::filesystem::path source_tree() { return FLUXRIG_SOURCE_DIR; }

}  // namespace fluxrig
