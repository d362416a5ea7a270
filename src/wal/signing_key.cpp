#include "wal/signing_key.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/assert.hpp"

namespace fluxrig::wal {
namespace {

// A PEM of an Ed25519 key has about 120 bytes.
constexpr std::size_t kMaxKeyFileBytes = 4096;

struct FreeKey {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};
struct FreeBio {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;
using Bio = std::unique_ptr<BIO, FreeBio>;

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] bool open() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

tl::unexpected<Problem> unusable(const std::string& path, std::string_view why) {
  return problem(fmt::format(
      "the audit key '{}' {}; restore it from a backup (a new one makes the mixer raise an alarm)", path,
      why));
}

tl::unexpected<Problem> unwritable(const std::string& path, int cause) {
  return problem(fmt::format("cannot write the audit key '{}': {}; is the data directory writable?", path,
                             std::strerror(cause)));
}

bool write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const auto written = ::write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

// Written beside, synced, renamed, the directory synced: a crash leaves no half of a key.
Outcome<void> store_new(const std::string& path, std::string_view pem) {
  const std::string beside = path + ".new";
  {
    const Descriptor file(
        ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.open() || ::fchmod(file.get(), 0600) != 0 || !write_all(file.get(), pem.data(), pem.size()) ||
        ::fsync(file.get()) != 0)
      return unwritable(path, errno);
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) return unwritable(path, errno);
  const auto slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Descriptor parent(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent.open() || ::fsync(parent.get()) != 0) return unwritable(path, errno);
  return {};
}

Outcome<Key> make_key(const std::string& path) {
  Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const Bio bio(BIO_new(BIO_s_mem()));
  char* pem = nullptr;
  if (!key || !bio ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return problem("cannot make an Ed25519 key: the cryptographic library refuses");
  const auto size = BIO_get_mem_data(bio.get(), &pem);
  if (auto stored = store_new(path, {pem, static_cast<std::size_t>(size)}); !stored)
    return tl::unexpected(stored.error());
  return key;
}

Outcome<Key> read_key(const std::string& path, const Descriptor& file) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return unusable(path, "is not a file");
  if ((status.st_mode & 077) != 0)
    return problem(fmt::format("the audit key '{}' can be read by others; 'chmod 600 {}'", path, path));
  char pem[kMaxKeyFileBytes];
  const auto size = ::read(file.get(), pem, sizeof pem);
  if (size < 0) return unusable(path, std::strerror(errno));
  const Bio bio(BIO_new_mem_buf(pem, static_cast<int>(size)));
  // Never asks for a passphrase: a rack starts by itself.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  Key key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
  OPENSSL_cleanse(pem, sizeof pem);
  if (!key) return unusable(path, "is not a private key in PEM");
  if (EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519) return unusable(path, "is not an Ed25519 key");
  return key;
}

}  // namespace

struct SigningKey::Handle {
  Key key;
};

SigningKey::SigningKey(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {
  std::size_t size = public_key_.size();
  FR_ASSERT(EVP_PKEY_get_raw_public_key(handle_->key.get(), public_key_.data(), &size) == 1 &&
            size == public_key_.size());
  id_ = key_id_of(public_key_);
}
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;
SigningKey::~SigningKey() = default;

Outcome<SigningKey> SigningKey::load_or_create(const std::string& path) {
  // O_NONBLOCK: a named pipe in the key's place must not hang the start.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.open() && errno != ENOENT) return unusable(path, std::strerror(errno));
  auto key = file.open() ? read_key(path, file) : make_key(path);
  if (!key) return tl::unexpected(key.error());
  return SigningKey(std::make_unique<Handle>(Handle{*std::move(key)}));
}

SigningKey SigningKey::from_seed(const std::array<std::uint8_t, 32>& seed) {
  Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()));
  FR_ASSERT(key != nullptr);
  return SigningKey(std::make_unique<Handle>(Handle{std::move(key)}));
}

Signature SigningKey::sign(ByteView message) const {
  Signature signature{};
  std::size_t size = signature.size();
  const Context context(EVP_MD_CTX_new());
  FR_ASSERT(context != nullptr &&
            EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, handle_->key.get()) == 1 &&
            EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1 &&
            size == signature.size());
  return signature;
}

KeyId key_id_of(const PublicKey& key) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(key.data(), key.size(), digest.data());
  KeyId id{};
  std::memcpy(id.data(), digest.data(), id.size());
  return id;
}

bool verify_signature(const PublicKey& key, ByteView message, const Signature& signature) {
  const Key public_key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()));
  const Context context(EVP_MD_CTX_new());
  return public_key != nullptr && context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, public_key.get()) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

}  // namespace fluxrig::wal
