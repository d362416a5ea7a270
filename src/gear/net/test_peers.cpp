#include "gear/net/test_peers.hpp"

#include <gtest/gtest.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <vector>

#include "base/assert.hpp"
#include "gear/net/link.hpp"
#include "gear/net/listener.hpp"

namespace fluxrig::gear::net {

std::string framed(std::string_view payload, Framing framing) {
  std::string bytes;
  EXPECT_TRUE(append_frame(framing, payload, bytes));
  return bytes;
}

class TestCaller::User final : public LinkUser {
 public:
  std::size_t on_bytes(Link&, std::string_view bytes) override {
    received.append(bytes);
    return bytes.size();
  }
  void on_open(Link& opened) override { opened.send(); }
  void on_deadline(Link&) override {}
  void on_closed(Link&, const Closed& closed) override {
    ended = true;
    cause = closed.message;
  }
  std::shared_ptr<Link> link;
  std::string received;
  std::string cause;
  bool ended = false;
};

TestCaller::TestCaller(TestServices& services, std::uint16_t port, std::shared_ptr<TlsContext> tls,
                       std::string host)
    : services_(services), user_(std::make_unique<User>()) {
  Link::Setup setup;
  setup.io = &services.io();
  setup.user = user_.get();
  setup.tls = std::move(tls);
  user_->link = Link::connect(setup, {std::move(host), port, std::chrono::seconds(5)});
}
TestCaller::~TestCaller() { close(); }
void TestCaller::write(std::string_view bytes) {
  user_->link->output().append(bytes);
  user_->link->send();
}
bool TestCaller::read_until(std::string_view text) {
  return services_.run_until([&] { return user_->received.find(text) != std::string::npos; });
}
bool TestCaller::read_end() {
  return services_.run_until([&] { return user_->ended; });
}
void TestCaller::close() { user_->link->close(); }
std::string& TestCaller::received() noexcept { return user_->received; }
const std::string& TestCaller::closed_because() noexcept { return user_->cause; }

struct TestServer::State final : LinkUser {
  std::size_t on_bytes(Link& link, std::string_view bytes) override {
    received.append(bytes);
    auto& mine = untaken[&link];
    mine.append(bytes);
    link.output().append(answer(mine));
    return bytes.size();
  }
  void on_open(Link& link) override { link.send(); }
  void on_deadline(Link&) override {}
  void on_closed(Link& link, const Closed&) override { untaken.erase(&link); }

  Answer answer;
  std::shared_ptr<TlsContext> tls;
  std::unique_ptr<Listener> listener;
  std::uint16_t port = 0;
  std::vector<std::shared_ptr<Link>> links;
  std::map<Link*, std::string> untaken;
  std::string received;
};

TestServer::TestServer(TestServices& services, Answer answer, std::shared_ptr<TlsContext> tls,
                       std::uint16_t port)
    : state_(std::make_unique<State>()) {
  auto* state = state_.get();
  state->answer = std::move(answer);
  state->tls = std::move(tls);
  state->listener = std::make_unique<Listener>(
      services.io(),
      [state, &services](const Accepted& accepted) {
        Link::Setup setup;
        setup.io = &services.io();
        setup.user = state;
        setup.tls = state->tls;
        setup.max_buffer = 4U << 20;
        state->links.push_back(Link::accept(setup, accepted));
      },
      [](const std::string&) {});
  FR_ASSERT(state->listener->open({"127.0.0.1", port}).has_value());
  state->port = state->listener->port();
}
TestServer::~TestServer() { close_connections(); }
std::uint16_t TestServer::port() const noexcept { return state_->port; }
std::size_t TestServer::accepted() const noexcept { return state_->links.size(); }
std::string& TestServer::received() noexcept { return state_->received; }
void TestServer::send(std::string_view bytes) {
  for (const auto& link : state_->links) {
    link->output().append(bytes);
    link->send();
  }
}
void TestServer::close_connections() {
  for (const auto& link : state_->links) link->close();
}

namespace {

struct Identity {
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
  ~Identity() {
    EVP_PKEY_free(key);
    X509_free(certificate);
  }
};

void extend(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  auto* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
  FR_ASSERT(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// `issuer` null: an authority that signs itself.
void issue(Identity& made, const char* name, const Identity* issuer) {
  made.key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  made.certificate = X509_new();
  X509_set_version(made.certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), issuer == nullptr ? 1 : 2);
  X509_gmtime_adj(X509_getm_notBefore(made.certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(made.certificate), 3600);
  X509_set_pubkey(made.certificate, made.key);
  auto* subject = X509_get_subject_name(made.certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1,
                             -1, 0);
  auto* signer = issuer == nullptr ? made.certificate : issuer->certificate;
  X509_set_issuer_name(made.certificate, X509_get_subject_name(signer));
  if (issuer == nullptr) {
    extend(made.certificate, signer, NID_basic_constraints, "critical,CA:TRUE");
  } else {
    extend(made.certificate, signer, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  }
  FR_ASSERT(X509_sign(made.certificate, issuer == nullptr ? made.key : issuer->key, EVP_sha256()) != 0);
}

void write(const Identity& identity, const std::string& stem) {
  auto* file = std::fopen((stem + ".pem").c_str(), "w");
  FR_ASSERT(file != nullptr && PEM_write_X509(file, identity.certificate) == 1);
  std::fclose(file);
  file = std::fopen((stem + ".key").c_str(), "w");
  FR_ASSERT(file != nullptr &&
            PEM_write_PrivateKey(file, identity.key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  std::fclose(file);
}

}  // namespace

TestCertificates::TestCertificates() {
  auto name = (std::filesystem::temp_directory_path() / "fluxrig-tls-XXXXXX").string();
  FR_ASSERT(mkdtemp(name.data()) != nullptr);
  folder_ = name;
  Identity authority;
  Identity other;
  Identity server;
  Identity client;
  issue(authority, "test authority", nullptr);
  issue(other, "another authority", nullptr);
  issue(server, "server", &authority);
  issue(client, "client", &authority);
  write(authority, folder_ + "/ca");
  write(other, folder_ + "/other");
  write(server, folder_ + "/server");
  write(client, folder_ + "/client");
}
TestCertificates::~TestCertificates() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}
TlsFiles TestCertificates::server() const {
  return {folder_ + "/server.pem", folder_ + "/server.key", "", true};
}
TlsFiles TestCertificates::client() const {
  return {folder_ + "/client.pem", folder_ + "/client.key", ca(), true};
}
std::string TestCertificates::ca() const { return folder_ + "/ca.pem"; }
std::string TestCertificates::other_ca() const { return folder_ + "/other.pem"; }

}  // namespace fluxrig::gear::net
