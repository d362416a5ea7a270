#include "gear/bus/mailbox.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <thread>

namespace fluxrig::gear::bus {
namespace {

TEST(Mailbox, TasksOfEveryThreadRunOnceAndInTheirThreadsOrder) {
  constexpr std::size_t kThreads = 3;
  constexpr std::size_t kTasks = 2000;
  boost::asio::io_context io(1);
  const auto mailbox = std::make_shared<Mailbox>(io);
  std::vector<std::vector<std::size_t>> ran(kThreads);
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&, thread] {
      for (std::size_t task = 0; task < kTasks; ++task)
        mailbox->put([&, thread, task] { ran[thread].push_back(task); });
    });
  const auto total = [&] { return ran[0].size() + ran[1].size() + ran[2].size(); };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (total() < kThreads * kTasks && std::chrono::steady_clock::now() < deadline) {
    io.restart();
    io.run_one_for(std::chrono::milliseconds(10));
  }
  for (auto& thread : threads) thread.join();
  for (const auto& tasks : ran) {
    EXPECT_EQ(tasks.size(), kTasks);
    EXPECT_TRUE(std::is_sorted(tasks.begin(), tasks.end()));
  }
}

TEST(Mailbox, RunsNothingOnceItIsClosed) {
  boost::asio::io_context io(1);
  const auto mailbox = std::make_shared<Mailbox>(io);
  int ran = 0;
  mailbox->put([&] {
    ++ran;
    mailbox->close();
  });
  mailbox->put([&] { ++ran; });
  io.run();
  mailbox->put([&] { ++ran; });
  io.restart();
  io.run();
  EXPECT_EQ(ran, 1);
}

TEST(Mailbox, RefusesDeliveriesOverItsBound) {
  boost::asio::io_context io(1);
  const auto mailbox = std::make_shared<Mailbox>(io);
  for (std::size_t i = 0; i < Mailbox::kMaxDeliveries; ++i) ASSERT_TRUE(mailbox->offer([] {}));
  EXPECT_FALSE(mailbox->offer([] {}));
  io.run();
  EXPECT_TRUE(mailbox->offer([] {}));
}

}  // namespace
}  // namespace fluxrig::gear::bus
