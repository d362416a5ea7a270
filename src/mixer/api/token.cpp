#include "mixer/api/token.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/bytes.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kMaxTokenFileBytes = 1024;

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

Outcome<ApiToken> read_token(int fd, const std::string& file) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return problem(fmt::format("{}: {}", file, std::strerror(errno)));
  if ((info.st_mode & 077) != 0)
    return problem(fmt::format("{}: others may read this token; run: chmod 600 {}", file, file));
  std::array<char, kMaxTokenFileBytes> buffer{};
  const ssize_t size = ::read(fd, buffer.data(), buffer.size());
  if (size < 0) return problem(fmt::format("{}: {}", file, std::strerror(errno)));
  std::string_view text(buffer.data(), static_cast<std::size_t>(size));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  if (text.size() < 16)
    return problem(
        fmt::format("{}: a token has at least 16 characters; remove the file to get a new one", file));
  return ApiToken{std::string(text), false};
}

Outcome<ApiToken> create_token(const std::string& file) {
  std::array<std::uint8_t, kTokenBytes> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
    return problem("no random numbers for a token");
  // Written under another name first: a token file that exists is whole.
  const std::string partial = file + ".tmp";
  (void)::unlink(partial.c_str());
  const File out(::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  const std::string text = to_hex(random);
  const std::string line = text + "\n";
  if (out.fd() < 0 || ::write(out.fd(), line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
      ::fsync(out.fd()) != 0 || ::rename(partial.c_str(), file.c_str()) != 0)
    return problem(
        fmt::format("{}: the token cannot be written: {}; set its token_file", file, std::strerror(errno)));
  return ApiToken{text, true};
}

}  // namespace

Outcome<ApiToken> load_or_create_token(const std::string& file) {
  const File in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (in.fd() >= 0) return read_token(in.fd(), file);
  if (errno != ENOENT) return problem(fmt::format("{}: {}", file, std::strerror(errno)));
  return create_token(file);
}

bool authorizes(std::string_view header, std::string_view token) {
  constexpr std::string_view kScheme = "Bearer ";
  if (header.size() < kScheme.size() || ::strncasecmp(header.data(), kScheme.data(), kScheme.size()) != 0)
    return false;
  header.remove_prefix(kScheme.size());
  // Digests have one length, whatever was sent.
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> given{};
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> wanted{};
  SHA256(as_bytes(header).data(), header.size(), given.data());
  SHA256(as_bytes(token).data(), token.size(), wanted.data());
  return CRYPTO_memcmp(given.data(), wanted.data(), given.size()) == 0;
}

}  // namespace fluxrig::mixer
