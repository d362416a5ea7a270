#include "base/thread_priority.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <thread>

namespace fluxrig {
namespace {

int nice_of_this_thread() { return ::getpriority(PRIO_PROCESS, 0); }

TEST(ThreadPriority, IsThatOfTheThreadAndOfThoseThatItMakes) {
  const int before = nice_of_this_thread();
  int behind = 0;
  int child = 0;
  std::thread([&] {
    work_behind_business();
    behind = nice_of_this_thread();
    std::thread([&] { child = nice_of_this_thread(); }).join();
  }).join();
  EXPECT_EQ(behind, std::max(before, 5));
  EXPECT_EQ(child, behind);
  EXPECT_EQ(nice_of_this_thread(), before);
}

}  // namespace
}  // namespace fluxrig
