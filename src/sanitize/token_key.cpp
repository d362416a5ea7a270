#include "sanitize/token_key.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/bytes.hpp"
#include "sanitize/key_rotation.hpp"

namespace fluxrig::sanitize {
namespace {

constexpr std::size_t kMaxFileBytes = 256;

std::optional<TokenKey> parse_line(std::string_view line) {
  const auto space = line.find(' ');
  if (space == std::string_view::npos || !valid_key_id(line.substr(0, space))) return std::nullopt;
  const auto bytes = from_hex(line.substr(space + 1));
  if (!bytes || bytes->size() != 32) return std::nullopt;
  TokenKey key{std::string(line.substr(0, space)), {}};
  std::memcpy(key.bytes.data(), bytes->data(), key.bytes.size());
  return key;
}

// A new file that is on disk when this succeeds; its name may not exist.
Outcome<void> write_new(const std::string& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return problem(fmt::format("cannot create the token key '{}': {}", path, std::strerror(errno)));
  const bool written =
      ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  const int cause = errno;
  ::close(fd);
  if (!written)
    return problem(fmt::format("cannot write the token key '{}': {}", path, std::strerror(cause)));
  return {};
}

Outcome<void> sync_folder(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const int cause = errno;
  if (fd >= 0) ::close(fd);
  if (!synced) return problem(fmt::format("cannot sync '{}': {}", folder, std::strerror(cause)));
  return {};
}

// The bytes of a file, overwritten in place: on a disk that writes in place nothing of them is left.
void wipe_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  struct stat status {};
  if (::fstat(fd, &status) == 0 && status.st_size > 0) {
    const std::string zeros(static_cast<std::size_t>(status.st_size), '\0');
    [[maybe_unused]] const auto written = ::pwrite(fd, zeros.data(), zeros.size(), 0);
    ::fsync(fd);
  }
  ::close(fd);
}

Outcome<void> replace(const std::string& path, const TokenKeys& keys) {
  std::string text = to_text(keys);
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());  // of an attempt that did not come to its end
  auto written = write_new(fresh, text);
  ::OPENSSL_cleanse(text.data(), text.size());
  if (!written) return written;
  // A second name for the old file, so that its bytes can be wiped after the new one has taken its place.
  const std::string old = path + ".old";
  ::unlink(old.c_str());
  const bool linked = ::link(path.c_str(), old.c_str()) == 0;
  if (::rename(fresh.c_str(), path.c_str()) != 0)
    return problem(fmt::format("cannot replace the token key '{}': {}", path, std::strerror(errno)));
  if (auto synced = sync_folder(path); !synced) return synced;
  if (linked) {
    wipe_file(old);
    ::unlink(old.c_str());
  }
  return {};
}

}  // namespace

std::optional<TokenKeys> parse_token_keys(std::string_view text) {
  std::vector<TokenKey> keys;
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.empty()) continue;
    auto key = parse_line(line);
    if (!key || keys.size() == 2) return std::nullopt;
    keys.push_back(*std::move(key));
  }
  if (keys.empty() || (keys.size() == 2 && keys[0].id == keys[1].id)) return std::nullopt;
  TokenKeys out{keys[0], std::nullopt};
  if (keys.size() == 2) out.previous = keys[1];
  return out;
}

Outcome<TokenKeys> load_token_keys(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return problem(fmt::format("cannot open the token key '{}': {}; make one with 'fluxrig pki init'", path,
                               std::strerror(errno)));
  struct stat status {};
  char buffer[kMaxFileBytes];
  const bool readable = ::fstat(fd, &status) == 0;
  const auto size = readable ? ::read(fd, buffer, sizeof buffer) : -1;
  ::close(fd);
  if (size < 0) return problem(fmt::format("cannot read the token key '{}'", path));
  if ((status.st_mode & 077) != 0)
    return problem(fmt::format("the token key '{}' is readable by others; run 'chmod 600 {}'", path, path));
  auto keys = parse_token_keys({buffer, static_cast<std::size_t>(size)});
  ::OPENSSL_cleanse(buffer, sizeof buffer);
  if (!keys)
    return problem(fmt::format("the token key '{}' is not one or two lines of '<id> <64 hex digits>'", path));
  return *std::move(keys);
}

Outcome<TokenKey> load_token_key(const std::string& path) {
  auto keys = load_token_keys(path);
  if (!keys) return tl::unexpected(keys.error());
  return std::move(keys->current);
}

Outcome<TokenKey> create_token_key(const std::string& path, std::string id) {
  auto key = new_token_key(std::move(id));
  if (!key) return key;
  std::string line = to_text({*key});
  auto written = write_new(path, line);
  ::OPENSSL_cleanse(line.data(), line.size());
  if (!written) return tl::unexpected(written.error());
  return key;
}

Outcome<TokenKeys> rotate_token_key(const std::string& path, std::string id) {
  auto keys = load_token_keys(path);
  if (keys) keys = rotated(*std::move(keys), std::move(id));
  if (!keys) return keys;
  if (auto replaced = replace(path, *keys); !replaced) return tl::unexpected(replaced.error());
  return keys;
}

Outcome<TokenKeys> retire_token_key(const std::string& path) {
  auto keys = load_token_keys(path);
  if (keys) keys = retired(*std::move(keys));
  if (!keys) return keys;
  if (auto replaced = replace(path, *keys); !replaced) return tl::unexpected(replaced.error());
  return keys;
}

Outcome<void> destroy_token_keys(const std::string& path) {
  if (const auto keys = load_token_keys(path); !keys) return tl::unexpected(keys.error());
  wipe_file(path);
  if (::unlink(path.c_str()) != 0)
    return problem(fmt::format("cannot remove the token key '{}': {}", path, std::strerror(errno)));
  return sync_folder(path);
}

}  // namespace fluxrig::sanitize
