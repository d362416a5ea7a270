#include "snake/server_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include "snake/child_process.hpp"
#include "snake/test_server.hpp"

namespace fluxrig::snake {
namespace {

using testing::TestServer;

TEST(ServerProcess, SaysWhichPackageToInstallWhenItIsAbsent) {
  const auto version = server_version("/nonexistent/nats-server");
  ASSERT_FALSE(version.has_value());
  EXPECT_NE(version.error().message.find("apt-get install nats-server"), std::string::npos)
      << version.error().message;
}

TEST(ServerProcess, RefusesAConfigurationThatTheServerDoesNotUnderstand) {
  TestServer server;
  server.write_config();
  std::FILE* file = std::fopen((server.directory / "server.conf").c_str(), "a");
  ASSERT_NE(file, nullptr);
  std::fputs("no_such_key: 1\n", file);
  std::fclose(file);
  const auto started = ServerProcess::start(server.process_options(), server.quiet);
  ASSERT_FALSE(started.has_value());
  EXPECT_NE(started.error().message.find("no_such_key"), std::string::npos) << started.error().message;
}

TEST(ServerProcess, NamesThePortThatIsTaken) {
  TestServer server;
  server.write_config();
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(server.port);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(fd, 8), 0);
  const auto started = ServerProcess::start(server.process_options(), server.quiet);
  ::close(fd);
  ASSERT_FALSE(started.has_value());
  EXPECT_NE(started.error().message.find("port " + std::to_string(server.port)), std::string::npos);
  EXPECT_NE(started.error().message.find("is taken"), std::string::npos) << started.error().message;
}

TEST(ServerProcess, RefusesASecondServerOnOneStore) {
  TestServer server;
  server.start();
  auto options = server.process_options();
  options.store_patience = std::chrono::milliseconds(50);
  const auto second = ServerProcess::start(options, server.quiet);
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message.find("another nats-server uses the store"), std::string::npos);
}

TEST(ServerProcess, WaitsForTheServerOfAMixerThatWasKilledToBeGone) {
  TestServer server;
  server.write_config();
  const auto path = server.process_options().store_directory + "/fluxrig.lock";
  const int dying = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(dying, 0);
  ASSERT_EQ(::flock(dying, LOCK_EX | LOCK_NB), 0);
  std::thread death([dying] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    ::close(dying);
  });
  const auto started = ServerProcess::start(server.process_options(), server.quiet);
  death.join();
  EXPECT_TRUE(started.has_value()) << started.error().message;
}

TEST(ServerProcess, EndsItsChildWhenDestroyedAndStartsAgainOnTheSameStore) {
  TestServer server;
  server.start();
  const pid_t pid = server.process->pid();
  ASSERT_GT(pid, 0);
  server.process.reset();
  EXPECT_NE(::kill(pid, 0), 0);
  server.start();
  EXPECT_NE(server.process->pid(), pid);
}

TEST(ChildProcess, IsKilledAtItsDeadlineAndKeepsItsOutput) {
  const auto said = run_command({"echo", "hello"}, std::chrono::seconds(10));
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(said->output, "hello\n");
  const auto late = run_command({"sleep", "60"}, std::chrono::milliseconds(100));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
}

TEST(ServerConfig, NeverListsAServerOrClientAsAUserAndMergesRenewals) {
  TestServer server;
  TestServer::must(issue_certificate(server.pki(),
                                     {.role = CertificateRole::kClient, .name = "ops", .hosts = {}},
                                     server.clock, server.random));
  EXPECT_EQ(server.rack("edge"), server.edge);  // renewed: the same machine
  const auto index = load_index(server.pki());
  TestServer::must(index);
  const auto text = render_server_config(server.settings(), *index, server.grants, {2, 9, 10});
  TestServer::must(text);
  EXPECT_EQ(text->find("OU=server"), std::string::npos);
  EXPECT_EQ(text->find("OU=client"), std::string::npos);
  EXPECT_EQ(text->find("sync_interval"), std::string::npos);
  const auto user = "CN=" + to_string(server.edge);
  EXPECT_EQ(text->find(user), text->rfind(user));
  const auto newer = render_server_config(server.settings(), *index, server.grants, {2, 10, 0});
  EXPECT_NE(newer->find("sync_interval: always"), std::string::npos);
}

TEST(ServerConfig, KeepsTheStoreBelowTheFreeSpace) {
  const testing::Directory directory;
  const auto all = bounded_store_bytes(directory.path(), UINT64_MAX);
  ASSERT_TRUE(all.has_value());
  EXPECT_LT(*all, UINT64_MAX);
  EXPECT_EQ(*bounded_store_bytes(directory.path(), 1000), 1000U);
  EXPECT_FALSE(bounded_store_bytes(directory / "absent", 1).has_value());
}

TEST(MessageGrants, SurviveAFileAndAreBounded) {
  const testing::Directory directory;
  MessageGrants grants;
  EXPECT_EQ(grants.add("edge", "a"), true);
  EXPECT_EQ(grants.add("edge", "a"), false);
  EXPECT_EQ(grants.add("edge", "a.>").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(grants.add("ed__ge", "a").error().code, ErrorCode::kInvalid);
  for (std::size_t i = 1; i < MessageGrants::kMaxGears; ++i)
    ASSERT_TRUE(grants.add("edge", "g" + std::to_string(i)).has_value());
  EXPECT_EQ(grants.add("edge", "one-more").error().code, ErrorCode::kFull);
  TestServer::must(grants.save(directory / "grants"));
  const auto loaded = MessageGrants::load(directory / "grants");
  TestServer::must(loaded);
  EXPECT_EQ(loaded->gears_of("edge"), grants.gears_of("edge"));
  EXPECT_TRUE(MessageGrants::load(directory / "absent").has_value());
}

}  // namespace
}  // namespace fluxrig::snake
