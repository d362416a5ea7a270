// Where the sources lay when this was built, for tests that read pages and examples of the repository. No
// program uses it.
#pragma once

#include <filesystem>

namespace fluxrig {

// Absolute. Known to one object only, so that all others compile to the same bytes in every clone. Any
// thread.
[[nodiscard]] std::filesystem::path source_tree();

}  // namespace fluxrig
