#include "snake/pki/certificate.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "snake/pki/openssl_handles.hpp"

namespace fluxrig::snake {

namespace {

constexpr int kMaxHosts = 64;

std::string name_entry(const X509_NAME* name, int nid) {
  const int at = X509_NAME_get_index_by_NID(name, nid, -1);
  if (at < 0) return {};
  const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(ASN1_STRING_length(value))};
}

// RFC 2253 order and escapes, as Go's pkix.Name prints it for our own names; nats-server takes this as the
// user.
std::string subject_line(const X509_NAME* name) {
  const BioHandle bio(BIO_new(BIO_s_mem()));
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

Outcome<UnixNanos> to_time(const ASN1_TIME* time, std::string_view name) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1)
    return problem(fmt::format("'{}' holds a date that does not parse", name));
  const auto seconds = static_cast<std::int64_t>(::timegm(&parts));
  constexpr std::int64_t kLastSecond = INT64_MAX / kNanosPerSecond;  // the year 2262
  return UnixNanos{std::clamp(seconds, -kLastSecond, kLastSecond) * kNanosPerSecond};
}

std::string serial_of(const X509* certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  return to_hex({ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial))});
}

std::vector<std::string> hosts_of(const X509* certificate) {
  std::vector<std::string> hosts;
  const std::unique_ptr<GENERAL_NAMES, OpensslFree<GENERAL_NAMES_free>> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
  for (int i = 0; i < count && i < kMaxHosts; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    const ASN1_STRING* value = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    const auto* data = ASN1_STRING_get0_data(value);
    const int size = ASN1_STRING_length(value);
    char text[INET6_ADDRSTRLEN] = {};
    if (name->type == GEN_DNS)
      hosts.emplace_back(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    else if ((size == 4 || size == 16) &&
             inet_ntop(size == 4 ? AF_INET : AF_INET6, data, text, sizeof text) != nullptr)
      hosts.emplace_back(text);
  }
  return hosts;
}

Outcome<CertificateFacts> facts_of(const X509* certificate, std::string_view name) {
  CertificateFacts facts;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  facts.subject = subject_line(subject);
  facts.common_name = name_entry(subject, NID_commonName);
  facts.unit = name_entry(subject, NID_organizationalUnitName);
  facts.serial = serial_of(certificate);
  const auto from = to_time(X509_get0_notBefore(certificate), name);
  const auto until = to_time(X509_get0_notAfter(certificate), name);
  if (!from) return problem(from.error().message);
  if (!until) return problem(until.error().message);
  facts.not_before = *from;
  facts.not_after = *until;
  facts.hosts = hosts_of(certificate);
  const std::unique_ptr<BASIC_CONSTRAINTS, OpensslFree<BASIC_CONSTRAINTS_free>> constraints(
      static_cast<BASIC_CONSTRAINTS*>(
          X509_get_ext_d2i(certificate, NID_basic_constraints, nullptr, nullptr)));
  facts.authority = constraints && constraints->ca != 0;
  return facts;
}

Outcome<X509Handle> open_certificate(const std::string& path) {
  auto text = read_small_file(path);
  if (!text) return problem(text.error().message);
  return load_certificate(*text, path);
}

}  // namespace

Outcome<CertificateFacts> parse_certificate(std::string_view pem, std::string_view name) {
  const auto certificate = load_certificate(pem, name);
  if (!certificate) return problem(certificate.error().message);
  auto facts = facts_of(certificate->get(), name);
  (void)openssl_reason();
  return facts;
}

Outcome<CertificateFacts> read_certificate(const std::string& path) {
  const auto text = read_small_file(path);
  if (!text) return problem(text.error().message);
  return parse_certificate(*text, path);
}

Outcome<CertificateFacts> check_certificate(const CertificateFiles& files, UnixNanos now) {
  const auto authority = open_certificate(files.authority);
  if (!authority) return problem(authority.error().message);
  const auto certificate = open_certificate(files.certificate);
  if (!certificate) return problem(certificate.error().message);
  const auto key_text = read_small_file(files.key);
  if (!key_text) return problem(key_text.error().message);
  const auto key = load_key(*key_text, files.key);
  if (!key) return problem(key.error().message);
  auto facts = facts_of(certificate->get(), files.certificate);
  if (!facts) return facts;
  if (X509_check_private_key(certificate->get(), key->get()) != 1) {
    (void)openssl_reason();
    return problem(fmt::format(
        "the key '{}' does not belong to the certificate '{}': keep both from the same 'fluxrig pki "
        "issue'",
        files.key, files.certificate));
  }
  EVP_PKEY* signer = X509_get0_pubkey(authority->get());
  if (signer == nullptr || X509_verify(certificate->get(), signer) != 1) {
    (void)openssl_reason();
    return problem(
        fmt::format("the certificate '{}' is not signed by the authority '{}': both must come from the same "
                    "'fluxrig pki init'",
                    files.certificate, files.authority));
  }
  if (now < facts->not_before)
    return problem(fmt::format("the certificate '{}' is not valid before {}: is the clock right?",
                               files.certificate, to_rfc3339(facts->not_before)));
  if (now >= facts->not_after)
    return problem(fmt::format("the certificate '{}' expired at {}: issue a new one with 'fluxrig pki issue'",
                               files.certificate, to_rfc3339(facts->not_after)));
  return facts;
}

Outcome<MachineId> machine_id_of(const CertificateFacts& facts, std::string_view path) {
  const auto id = parse_uuid(facts.common_name);
  if (facts.unit != "rack" || !id)
    return problem(fmt::format(
        "the certificate '{}' is not a rack's: a rack's has the unit 'rack' and a UUID as its common "
        "name; make one with 'fluxrig pki issue DIR --rack NAME'",
        path));
  return MachineId{*id};
}

}  // namespace fluxrig::snake
