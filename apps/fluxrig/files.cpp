#include "fluxrig/files.hpp"

#include <fmt/core.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace fluxrig::client {

Outcome<std::string> read_file(const std::string& path, std::size_t most) {
  const auto close = [](std::FILE* file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "re"), close);
  if (!file) return problem(fmt::format("{}: cannot be opened: {}", path, std::strerror(errno)));
  std::string text(most + 1, '\0');
  errno = 0;
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0)
    return problem(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  if (text.size() > most) return problem(fmt::format("{}: larger than {} bytes", path, most));
  return text;
}

}  // namespace fluxrig::client
