#include "mixer/host_figures.hpp"

#include <gtest/gtest.h>

namespace fluxrig::mixer {
namespace {

TEST(HostFigures, MemoryIsWhatTheKernelCallsAvailable) {
  EXPECT_EQ(parse_meminfo("MemTotal:       24683504 kB\nMemFree:         3015012 kB\n"
                          "MemAvailable:   21567648 kB\nBuffers:          180012 kB\n"),
            (Room{21'567'648ULL * 1024, 24'683'504ULL * 1024}));
  EXPECT_FALSE(parse_meminfo("MemTotal: 1 kB\n"));
  EXPECT_FALSE(parse_meminfo("MemTotal: many kB\nMemAvailable: few kB\n"));
  EXPECT_FALSE(parse_meminfo(""));
}

TEST(HostFigures, AControlGroupLeavesWhatIsNotUsedAndNotCached) {
  EXPECT_EQ(parse_group({"1000\n", "700\n", "anon 200\ninactive_file 300\nactive_file 100\n"}),
            (Room{600, 1000}));
  EXPECT_EQ(parse_group({"1000\n", "1200\n", ""}), (Room{0, 1000}));  // over its limit for a moment
  EXPECT_EQ(parse_group({"1000\n", "100\n", "inactive_file 300\n"}), (Room{1000, 1000}));
  EXPECT_FALSE(parse_group({"max\n", "700\n", ""}));
  EXPECT_FALSE(parse_group({"", "", ""}));
}

TEST(HostFigures, ReadsThoseOfThisHost) {
  const auto disk = disk_room("/");
  ASSERT_TRUE(disk);
  EXPECT_LE(disk->free, disk->total);
  EXPECT_FALSE(disk_room("/nowhere/at/all"));
  const auto memory = memory_room();
  ASSERT_TRUE(memory);
  EXPECT_GT(memory->free, 0U);
  EXPECT_LE(memory->free, memory->total);
}

}  // namespace
}  // namespace fluxrig::mixer
