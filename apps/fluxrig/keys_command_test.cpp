// fluxrig keys and fluxrig token with keys that a command yields: exit codes, output, what stays on the disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "sanitize/token_key.hpp"

namespace fluxrig::client {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

class KeysCommandTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "keys-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    ASSERT_EQ(run("keys create " + vault() + " --id k1").exit, 0);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  struct Ran {
    int exit = -1;
    std::string out;
    std::string err;
  };
  // `arguments` as a shell reads them, with `input` on standard input.
  [[nodiscard]] Ran run(const std::string& arguments, const std::string& input = "") const {
    const std::string command = "printf '" + input + "' | env -i PATH=/bin:/usr/bin " + FLUXRIG_BINARY + " " +
                                arguments + " 2>" + folder_ + "/err";
    Ran ran;
    std::FILE* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return ran;
    std::array<char, 4096> piece;
    for (std::size_t size = 0; (size = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;)
      ran.out.append(piece.data(), size);
    const int status = ::pclose(pipe);
    ran.exit = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    ran.err = read("err");
    return ran;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream in(folder_ + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] std::string vault() const { return folder_ + "/vault"; }
  [[nodiscard]] std::string from_vault() const { return " --key-command 'cat " + vault() + "'"; }

  std::string folder_;
};

TEST_F(KeysCommandTest, TheTokenIsTheOneOfTheFileAndItsUseIsRecordedWhereItIsSaid) {
  const std::string number = "4111 1111 1111 1111";
  const auto by_file = run("token --local --reason t --key " + vault(), number);
  ASSERT_EQ(by_file.exit, 0) << by_file.err;
  EXPECT_THAT(by_file.out, MatchesRegex("tok_k1_[a-z]+\n"));
  const auto by_command = run("token --local --reason t --audit " + folder_ + "/uses" + from_vault(), number);
  EXPECT_EQ(by_command.exit, 0) << by_command.err;
  EXPECT_EQ(by_command.out, by_file.out);
  EXPECT_THAT(read("uses"), HasSubstr(by_file.out.substr(0, by_file.out.size() - 1)));
}

TEST_F(KeysCommandTest, WithoutAPlaceToRecordItsUseThereIsNoToken) {
  const auto ran = run("token --local --reason t" + from_vault(), "4111111111111111");
  EXPECT_EQ(ran.exit, 2);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("--audit"));
  EXPECT_EQ(run("token --local --reason t --audit " + folder_ + "/uses", "4111111111111111").exit, 1)
      << "no keys";
  EXPECT_EQ(run("token --local --reason t --key " + vault() + from_vault(), "4111111111111111").exit, 1)
      << "both";
}

TEST_F(KeysCommandTest, IdsAreShownAndNeverAKey) {
  const auto shown = run("keys show" + from_vault());
  EXPECT_EQ(shown.exit, 0) << shown.err;
  EXPECT_EQ(shown.out, "in use   k1\n");
  const auto secret = read("vault").substr(3, 64);
  EXPECT_THAT(shown.err, Not(HasSubstr(secret)));
}

TEST_F(KeysCommandTest, ACommandThatFailsIsNamedAndWhatItPrintedIsNotShown) {
  std::ofstream(folder_ + "/broken") << "#!/bin/sh\ncat " << vault() << "\necho denied >&2\nexit 3\n";
  std::filesystem::permissions(folder_ + "/broken", std::filesystem::perms::owner_all);
  const auto ran = run("keys show --key-command " + folder_ + "/broken");
  EXPECT_EQ(ran.exit, 1);
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, HasSubstr("ended with exit code 3: denied"));
}

TEST_F(KeysCommandTest, ARotationIsHandedToWhoKeepsTheKeysAndSoIsItsEnd) {
  const auto first = read("vault");
  const auto rotated = run("keys rotate --id k2" + from_vault());
  ASSERT_EQ(rotated.exit, 0) << rotated.err;
  EXPECT_EQ(rotated.err, "in use   k2\nbefore   k1 (overlap)\n");
  EXPECT_EQ(read("vault"), first) << "the command's own files are not touched";
  const auto keys = sanitize::parse_token_keys(rotated.out);
  ASSERT_TRUE(keys && keys->previous);
  EXPECT_THAT(rotated.out, HasSubstr(first));
  std::ofstream(vault()) << rotated.out;
  const auto retired = run("keys retire" + from_vault());
  ASSERT_EQ(retired.exit, 0) << retired.err;
  EXPECT_EQ(retired.out, rotated.out.substr(0, rotated.out.find('\n') + 1));
}

TEST_F(KeysCommandTest, WithoutAFileANewKeyGoesToStandardOutput) {
  const auto ran = run("keys create --id k7");
  EXPECT_EQ(ran.exit, 0) << ran.err;
  const auto keys = sanitize::parse_token_keys(ran.out);
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->current.id, "k7");
  EXPECT_EQ(run("keys create " + vault() + " --id k8").exit, 1) << "a file is not overwritten";
}

}  // namespace
}  // namespace fluxrig::client
