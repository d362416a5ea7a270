#include "snake/pki/authority.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/rand.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sanitize/sanitizer.hpp"
#include "snake/pki/certificate.hpp"
#include "snake/pki/openssl_handles.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::snake {

namespace {

constexpr int kAuthorityDays = 3650;
constexpr std::size_t kMaxHosts = 64;
constexpr std::int64_t kClockSkewSeconds = 300;  // a peer whose clock is a little late accepts it at once
constexpr int kSerialBytes = 16;

// Held while the index is read, changed and written.
class DirectoryLock {
 public:
  explicit DirectoryLock(const std::string& directory)
      : fd_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd_ >= 0 && ::flock(fd_, LOCK_EX) != 0) {
      ::close(fd_);
      fd_ = -1;
    }
  }
  ~DirectoryLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  [[nodiscard]] bool held() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

struct Blueprint {
  std::string common_name;
  std::string unit;
  std::string key_usage;
  std::string extended_usage;  // empty: none
  std::string hosts;           // subjectAltName in OpenSSL's words; empty: none
  bool authority = false;
  int days = 0;
};

struct Pair {
  X509Handle certificate;
  KeyHandle key;
};

bool add_name(X509_NAME* name, const char* field, std::string_view value) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  if (value.empty()) return true;
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  unsigned char bytes[kSerialBytes];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // positive, and always 16 bytes
  const std::unique_ptr<BIGNUM, OpensslFree<BN_free>> number(BN_bin2bn(bytes, sizeof bytes, nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_validity(X509* certificate, UnixNanos now, int days) {
  const auto seconds = now.value / kNanosPerSecond;
  return ASN1_TIME_set(X509_getm_notBefore(certificate), seconds - kClockSkewSeconds) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), seconds + std::int64_t{days} * 24 * 3600) != nullptr;
}

// Self-signed when `issuer` is null. Order O, OU, CN, so that the line that names a user begins with CN.
Outcome<Pair> build(const Blueprint& plan, const Pair* issuer, UnixNanos now) {
  Pair pair{X509Handle(X509_new()), KeyHandle(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"))};
  X509* certificate = pair.certificate.get();
  bool built = certificate != nullptr && pair.key != nullptr;
  X509* signer = issuer == nullptr ? certificate : issuer->certificate.get();
  EVP_PKEY* signer_key = issuer == nullptr ? pair.key.get() : issuer->key.get();
  built = built && X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
          set_validity(certificate, now, plan.days);
  X509_NAME* subject = built ? X509_get_subject_name(certificate) : nullptr;
  built = built && add_name(subject, "O", "fluxrig") && add_name(subject, "OU", plan.unit) &&
          add_name(subject, "CN", plan.common_name) &&
          X509_set_issuer_name(certificate, X509_get_subject_name(signer)) == 1 &&
          X509_set_pubkey(certificate, pair.key.get()) == 1;
  built = built &&
          add_extension(certificate, signer, NID_basic_constraints,
                        plan.authority ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE") &&
          add_extension(certificate, signer, NID_key_usage, plan.key_usage) &&
          add_extension(certificate, signer, NID_ext_key_usage, plan.extended_usage) &&
          add_extension(certificate, signer, NID_subject_alt_name, plan.hosts) &&
          add_extension(certificate, signer, NID_subject_key_identifier, "hash") &&
          add_extension(certificate, signer, NID_authority_key_identifier, "keyid") &&
          X509_sign(certificate, signer_key, EVP_sha256()) > 0;
  if (!built) return problem(fmt::format("OpenSSL could not make the certificate: {}", openssl_reason()));
  return pair;
}

template <typename Write>
Outcome<std::string> to_pem(Write write) {
  const BioHandle bio(BIO_new(BIO_s_mem()));
  if (!bio || write(bio.get()) != 1) return problem("OpenSSL could not write PEM: " + openssl_reason());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

Outcome<std::string> certificate_pem(const Pair& pair) {
  return to_pem([&](BIO* bio) { return PEM_write_bio_X509(bio, pair.certificate.get()); });
}
Outcome<std::string> key_pem(const Pair& pair) {
  return to_pem([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, pair.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

Outcome<Pair> load_authority(const std::string& directory) {
  const auto certificate_text = read_small_file(directory + "/ca.crt");
  const auto key_text = read_small_file(directory + "/ca.key");
  if (!certificate_text || !key_text)
    return problem((certificate_text ? key_text : certificate_text).error().message +
                   "; make an authority with 'fluxrig pki init DIR'");
  auto certificate = load_certificate(*certificate_text, directory + "/ca.crt");
  if (!certificate) return problem(certificate.error().message);
  auto key = load_key(*key_text, directory + "/ca.key");
  if (!key) return problem(key.error().message);
  if (X509_check_private_key(certificate->get(), key->get()) != 1)
    return problem(
        fmt::format("'{0}/ca.key' is not the key of '{0}/ca.crt': restore both from one backup", directory));
  return Pair{std::move(*certificate), std::move(*key)};
}

bool host_characters(std::string_view host) noexcept {
  if (host.empty() || host.size() > 253) return false;
  for (const char c : host)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
          c == '-' || c == '*' || c == ':'))
      return false;
  return true;
}

Outcome<std::string> alternative_names(const std::vector<std::string>& hosts) {
  std::string text;
  for (const auto& host : hosts) {
    unsigned char address[16];
    const bool is_address =
        inet_pton(AF_INET, host.c_str(), address) == 1 || inet_pton(AF_INET6, host.c_str(), address) == 1;
    if (!host_characters(host) || (!is_address && host.find(':') != std::string::npos))
      return problem(fmt::format("'{}' is neither a host name nor an address", host));
    text += fmt::format("{}{}:{}", text.empty() ? "" : ",", is_address ? "IP" : "DNS", host);
  }
  return text;
}

Outcome<void> check_request(const IssueRequest& request) {
  const bool rack = request.role == CertificateRole::kRack;
  if (!(rack ? valid_rack_name(request.name) : valid_name_token(request.name)) || request.name == "ca" ||
      request.name == "token")
    return problem(fmt::format("'{}' cannot be the name of a {}: use 1 to 32 of a-z 0-9 - _{}", request.name,
                               to_string(request.role), rack ? ", no '__', no '_' at the end" : ""));
  if (request.days < 1 || request.days > kAuthorityDays)
    return problem(fmt::format("a certificate lasts 1 to {} days, not {}", kAuthorityDays, request.days));
  const bool server = request.role == CertificateRole::kServer;
  if (server == request.hosts.empty() || request.hosts.size() > kMaxHosts)
    return problem(server
                       ? "a server's certificate needs the names and addresses that clients use: --host a,b"
                       : "only a server's certificate takes --host");
  return {};
}

Outcome<void> write_pair(const std::string& directory, const std::string& name, const Pair& pair) {
  const auto certificate = certificate_pem(pair);
  const auto key = key_pem(pair);
  if (!certificate) return problem(certificate.error().message);
  if (!key) return problem(key.error().message);
  if (auto written = replace_file(directory + "/" + name + ".key", *key, 0600); !written) return written;
  return replace_file(directory + "/" + name + ".crt", *certificate, 0644);
}

Outcome<CertificateFacts> facts_of(const Pair& pair, std::string_view name) {
  const auto text = certificate_pem(pair);
  if (!text) return problem(text.error().message);
  return parse_certificate(*text, name);
}

}  // namespace

Outcome<void> init_authority(const std::string& directory, const Clock& clock) {
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST)
    return problem(fmt::format("cannot make '{}': {}", directory, std::strerror(errno)));
  const DirectoryLock lock(directory);
  if (!lock.held()) return problem(fmt::format("cannot use '{}': {}", directory, std::strerror(errno)));
  if (::access((directory + "/ca.key").c_str(), F_OK) == 0 ||
      ::access((directory + "/ca.crt").c_str(), F_OK) == 0)
    return problem(fmt::format(
        "'{}' already holds an authority; it is not overwritten, since every certificate it issued "
        "would become worthless",
        directory));
  const Blueprint plan{.common_name = "fluxrig authority",
                       .unit = "authority",
                       .key_usage = "critical,keyCertSign,cRLSign",
                       .extended_usage = "",
                       .hosts = "",
                       .authority = true,
                       .days = kAuthorityDays};
  const auto pair = build(plan, nullptr, clock.now());
  if (!pair) return problem(pair.error().message);
  const auto certificate = certificate_pem(*pair);
  const auto key = key_pem(*pair);
  if (!certificate || !key) return problem((certificate ? key : certificate).error().message);
  if (auto saved = save_index(directory, {}); !saved) return saved;
  if (auto token = sanitize::create_token_key(directory + "/token.key", "k1"); !token)
    return problem(token.error().message);
  // The key last but one: a crash before the certificate leaves a directory that init refuses and names.
  if (auto written = create_file(directory + "/ca.key", *key, 0600); !written) return written;
  return create_file(directory + "/ca.crt", *certificate, 0644);
}

Outcome<IndexEntry> issue_certificate(const std::string& directory, const IssueRequest& request,
                                      const Clock& clock, Random& random) {
  if (auto checked = check_request(request); !checked) return problem(checked.error().message);
  const DirectoryLock lock(directory);
  if (!lock.held()) return problem(fmt::format("cannot use '{}': {}", directory, std::strerror(errno)));
  const auto authority = load_authority(directory);
  if (!authority) return problem(authority.error().message);
  auto index = load_index(directory);
  if (!index) return problem(index.error().message);
  for (const auto& entry : index->entries)
    if (entry.name == request.name && entry.role != request.role)
      return problem(fmt::format("'{}' is already the name of a {}", request.name, to_string(entry.role)));
  auto hosts = alternative_names(request.hosts);
  if (!hosts) return problem(hosts.error().message);

  IndexEntry entry{.name = request.name,
                   .role = request.role,
                   .machine_id = {},
                   .subject = {},
                   .serial = {},
                   .not_after = {}};
  const bool server = request.role == CertificateRole::kServer;
  if (request.role == CertificateRole::kRack) {
    const auto* earlier = index->find(request.role, request.name);
    entry.machine_id = earlier != nullptr ? earlier->machine_id : make_machine_id(random);
  }
  const Blueprint plan{.common_name = entry.machine_id ? to_string(*entry.machine_id) : request.name,
                       .unit = std::string(to_string(request.role)),
                       .key_usage = "critical,digitalSignature",
                       .extended_usage = server ? "serverAuth" : "clientAuth",
                       .hosts = std::move(*hosts),
                       .authority = false,
                       .days = request.days};
  const auto pair = build(plan, &*authority, clock.now());
  if (!pair) return problem(pair.error().message);
  const auto facts = facts_of(*pair, request.name);
  if (!facts) return problem(facts.error().message);
  entry.subject = facts->subject;
  entry.serial = facts->serial;
  entry.not_after = facts->not_after;
  // The index first: a certificate that works but is not listed would be invisible to `show`.
  index->entries.push_back(entry);
  if (auto saved = save_index(directory, *index); !saved) return problem(saved.error().message);
  if (auto written = write_pair(directory, request.name, *pair); !written)
    return problem(written.error().message);
  return entry;
}

}  // namespace fluxrig::snake
