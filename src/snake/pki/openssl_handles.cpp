#include "snake/pki/openssl_handles.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>

#include "snake/pki/certificate.hpp"

namespace fluxrig::snake {

namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(fd) == 0;
}

Outcome<void> write_new(const std::string& path, std::string_view text, int flags, unsigned mode) {
  const Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, mode));
  if (fd.get() < 0) {
    if (errno == EEXIST)
      return problem(fmt::format("'{}' exists and is not overwritten; move it away first", path));
    return problem(fmt::format("cannot write '{}': {}", path, std::strerror(errno)));
  }
  if (::fchmod(fd.get(), mode) != 0 || !write_all(fd.get(), text))
    return problem(fmt::format("cannot write '{}': {}", path, std::strerror(errno)));
  return {};
}

// Never asks on the terminal: an encrypted key is refused.
int no_passphrase(char*, int, int, void*) { return -1; }

BioHandle memory_bio(std::string_view text) {
  return BioHandle(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown reason" : reason;
}

Outcome<std::string> read_small_file(const std::string& path) {
  return read_text_file(path, kMaxCertificateBytes);
}

Outcome<std::string> read_text_file(const std::string& path, std::size_t most) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return problem(fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
  std::string text(most + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto got = ::read(fd.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return problem(fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > most) return problem(fmt::format("'{}' is over {} bytes", path, most));
  text.resize(size);
  return text;
}

Outcome<X509Handle> load_certificate(std::string_view pem, std::string_view name) {
  if (pem.size() > kMaxCertificateBytes)
    return problem(fmt::format("'{}' is over {} bytes: no certificate", name, kMaxCertificateBytes));
  const auto bio = memory_bio(pem);
  X509Handle certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
  if (!certificate)
    return problem(
        fmt::format("'{}' holds no certificate in PEM form ({}); issue it again with 'fluxrig pki issue'",
                    name, openssl_reason()));
  return certificate;
}

Outcome<KeyHandle> load_key(std::string_view pem, std::string_view name) {
  if (pem.size() > kMaxCertificateBytes)
    return problem(fmt::format("'{}' is over {} bytes: no key", name, kMaxCertificateBytes));
  const auto bio = memory_bio(pem);
  KeyHandle key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
  if (!key)
    return problem(
        fmt::format("'{}' holds no unencrypted private key in PEM form ({})", name, openssl_reason()));
  return key;
}

Outcome<void> create_file(const std::string& path, std::string_view text, unsigned mode) {
  return write_new(path, text, O_EXCL, mode);
}

Outcome<void> replace_file(const std::string& path, std::string_view text, unsigned mode) {
  const auto beside = fmt::format("{}.new", path);
  if (auto written = write_new(beside, text, O_TRUNC, mode); !written) return written;
  if (::rename(beside.c_str(), path.c_str()) != 0)
    return problem(fmt::format("cannot replace '{}': {}", path, std::strerror(errno)));
  const auto directory = (std::filesystem::path(path).parent_path() / ".").string();
  const Descriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0)
    return problem(fmt::format("cannot sync '{}': {}", directory, std::strerror(errno)));
  return {};
}

}  // namespace fluxrig::snake
