#include "snake/pki/authority.hpp"

#include <sys/stat.h>

#include <fstream>

#include "sanitize/sanitizer.hpp"
#include "snake/pki/certificate.hpp"
#include "snake/test_server.hpp"

namespace fluxrig::snake {
namespace {

using testing::Directory;
using testing::TestServer;

class AuthorityTest : public ::testing::Test {
 protected:
  void SetUp() override { TestServer::must(init_authority(pki_, clock_)); }
  IndexEntry issue(CertificateRole role, const std::string& name, std::vector<std::string> hosts = {}) {
    const auto entry =
        issue_certificate(pki_, {.role = role, .name = name, .hosts = std::move(hosts)}, clock_, random_);
    TestServer::must(entry);
    return *entry;
  }
  CertificateFiles files(const std::string& name) const {
    return {pki_ + "/ca.crt", pki_ + "/" + name + ".crt", pki_ + "/" + name + ".key"};
  }
  void write(const std::string& path, std::string_view text) { std::ofstream(path) << text; }

  Directory directory_;
  std::string pki_ = directory_ / "pki";
  ManualClock clock_{UnixNanos{1'800'000'000 * kNanosPerSecond}};
  SeededRandom random_{1};
};

TEST_F(AuthorityTest, RefusesToOverwriteAnAuthority) {
  const auto again = init_authority(pki_, clock_);
  ASSERT_FALSE(again.has_value());
  EXPECT_NE(again.error().message.find("not overwritten"), std::string::npos);
}

TEST_F(AuthorityTest, KeepsItsKeysFromOthers) {
  (void)issue(CertificateRole::kRack, "edge");
  for (const auto* name : {"/ca.key", "/edge.key", "/token.key"}) {
    struct stat info {};
    ASSERT_EQ(::stat((pki_ + name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << name;
  }
  const auto token = sanitize::load_token_key(pki_ + "/token.key");
  TestServer::must(token);
  EXPECT_EQ(token->id, "k1");
}

TEST_F(AuthorityTest, ARacksCertificateCarriesItsMachineIdAndKeepsItWhenRenewed) {
  const auto entry = issue(CertificateRole::kRack, "edge");
  const auto facts = check_certificate(files("edge"), clock_.now());
  TestServer::must(facts);
  EXPECT_EQ(facts->subject, "CN=" + to_string(*entry.machine_id) + ",OU=rack,O=fluxrig");
  EXPECT_EQ(facts->subject, entry.subject);
  EXPECT_FALSE(facts->authority);
  const auto id = machine_id_of(*facts, "edge.crt");
  TestServer::must(id);
  EXPECT_EQ(*id, *entry.machine_id);
  const auto renewed = issue(CertificateRole::kRack, "edge");
  EXPECT_EQ(renewed.machine_id, entry.machine_id);
  EXPECT_NE(renewed.serial, entry.serial);
}

TEST_F(AuthorityTest, AServersCertificateNamesItsHosts) {
  (void)issue(CertificateRole::kServer, "server", {"mixer.example", "127.0.0.1", "::1"});
  const auto facts = read_certificate(pki_ + "/server.crt");
  TestServer::must(facts);
  EXPECT_EQ(facts->hosts, (std::vector<std::string>{"mixer.example", "127.0.0.1", "::1"}));
  EXPECT_FALSE(machine_id_of(*facts, "server.crt").has_value());
}

TEST_F(AuthorityTest, RefusesNamesAndHostsThatCouldMeanSomethingElse) {
  const auto refused = [&](CertificateRole role, std::string name, std::vector<std::string> hosts) {
    return !issue_certificate(pki_, {.role = role, .name = std::move(name), .hosts = std::move(hosts)},
                              clock_, random_)
                .has_value();
  };
  for (const auto* name : {"", "../x", "a.b", "A", "a__b", "a_", "ca", "token", "a\n"})
    EXPECT_TRUE(refused(CertificateRole::kRack, name, {})) << name;
  EXPECT_TRUE(refused(CertificateRole::kServer, "s", {}));
  EXPECT_TRUE(refused(CertificateRole::kServer, "s", {"a,IP:1.2.3.4"}));
  EXPECT_TRUE(refused(CertificateRole::kServer, "s", {"copy:x"}));
  EXPECT_TRUE(refused(CertificateRole::kRack, "edge", {"127.0.0.1"}));
  (void)issue(CertificateRole::kRack, "edge");
  EXPECT_TRUE(refused(CertificateRole::kMixer, "edge", {}));
}

TEST_F(AuthorityTest, SaysWhatIsWrongWithACertificate) {
  (void)issue(CertificateRole::kRack, "edge");
  (void)issue(CertificateRole::kRack, "host");
  const auto sentence = [&](const CertificateFiles& which) {
    const auto checked = check_certificate(which, clock_.now());
    return checked ? std::string{} : checked.error().message;
  };
  auto mixed = files("edge");
  mixed.key = pki_ + "/host.key";
  EXPECT_NE(sentence(mixed).find("does not belong"), std::string::npos);
  auto absent = files("edge");
  absent.key = pki_ + "/none.key";
  EXPECT_NE(sentence(absent).find("cannot read"), std::string::npos);
  Directory other;
  TestServer::must(init_authority(other / "pki", clock_));
  auto foreign = files("edge");
  foreign.authority = other / "pki/ca.crt";
  EXPECT_NE(sentence(foreign).find("not signed by the authority"), std::string::npos);
  clock_.advance(366 * 24 * 3600 * kNanosPerSecond);
  EXPECT_NE(sentence(files("edge")).find("expired"), std::string::npos);
  clock_.jump(-3 * 366 * 24 * 3600 * kNanosPerSecond);
  EXPECT_NE(sentence(files("edge")).find("not valid before"), std::string::npos);
}

TEST_F(AuthorityTest, GarbageIsASentenceAndNeverTheBytes) {
  const auto path = directory_ / "bad.crt";
  for (const std::string& text :
       {std::string(), std::string("4111111111111111"), std::string(200'000, 'A'),
        std::string("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
        std::string(
            "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END "
            "CERTIFICATE-----\n")}) {
    write(path, text);
    const auto facts = read_certificate(path);
    ASSERT_FALSE(facts.has_value());
    EXPECT_NE(facts.error().message.find("bad.crt"), std::string::npos);
    EXPECT_EQ(facts.error().message.find("4111"), std::string::npos);
  }
}

TEST_F(AuthorityTest, TheIndexSurvivesAFileAndRefusesWhatItDoesNotKnow) {
  (void)issue(CertificateRole::kRack, "edge");
  (void)issue(CertificateRole::kMixer, "mixer");
  const auto index = load_index(pki_);
  TestServer::must(index);
  ASSERT_EQ(index->entries.size(), 2U);
  EXPECT_EQ(render_index(*index), render_index(*parse_index(render_index(*index), "index.yaml")));
  EXPECT_FALSE(parse_index("version: 2\ncertificates: []\n", "index.yaml").has_value());
  EXPECT_FALSE(parse_index("version: 1\ncertificates:\n  - name: a\n    role: king\n", "i").has_value());
  EXPECT_FALSE(
      parse_index("version: 1\ncertificates:\n  - name: a\n    role: mixer\n    subject: 'CN=\"x'\n    "
                  "not_after: 2027-01-01T00:00:00Z\n",
                  "i")
          .has_value());
}

TEST_F(AuthorityTest, ShowWarnsBeforeACertificateEnds) {
  (void)issue(CertificateRole::kRack, "edge");
  const auto index = load_index(pki_);
  TestServer::must(index);
  EXPECT_EQ(describe_index(*index, clock_.now()).find("expire"), std::string::npos);
  clock_.advance(340LL * 24 * 3600 * kNanosPerSecond);
  EXPECT_NE(describe_index(*index, clock_.now()).find("expires in"), std::string::npos);
  clock_.advance(40LL * 24 * 3600 * kNanosPerSecond);
  EXPECT_NE(describe_index(*index, clock_.now()).find("expired: issue"), std::string::npos);
}

}  // namespace
}  // namespace fluxrig::snake
