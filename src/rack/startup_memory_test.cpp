#include "rack/startup_memory.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace fluxrig::rack {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string mapping(const std::string& head, const std::string& lines) {
  return head + "\nSize: 8 kB\nRss: 8 kB\n" + lines + "VmFlags: rd mr mw me\n";
}

constexpr const char* kClean =
    "Shared_Dirty: 0 kB\nPrivate_Dirty: 0 kB\nAnonymous: 0 kB\nSwap: 0 kB\nLocked: 0 kB\n";

TEST(StartupMemory, ProgramTextAndConstantsAreClean) {
  EXPECT_THAT(clean_file_mappings(mapping("1000-3000 r-xp 00001000 fe:00 12   /usr/lib/libx.so", kClean) +
                                  mapping("3000-5000 r--p 00003000 fe:00 12   /usr/lib/libx.so", kClean)),
              ElementsAre(Mapping{0x1000, 0x3000}, Mapping{0x3000, 0x5000}));
}

TEST(StartupMemory, WhatCanBeWrittenOrIsOfNoFileIsNot) {
  EXPECT_THAT(clean_file_mappings(mapping("1000-3000 rw-p 00001000 fe:00 12   /usr/lib/libx.so", kClean) +
                                  mapping("3000-5000 r--s 00003000 fe:00 12   /run/shared", kClean) +
                                  mapping("5000-7000 r--p 00000000 00:00 0", kClean) +
                                  mapping("7000-9000 r-xp 00000000 00:00 0    [vdso]", kClean) +
                                  mapping("9000-b000 ---p 00003000 fe:00 12   /usr/lib/libx.so", kClean)),
              IsEmpty());
}

// The constants that the loader relocated, or pages that somebody changed before: they exist in memory only.
TEST(StartupMemory, AMappingWithOneChangedPageIsNot) {
  for (const char* changed : {"Private_Dirty: 4 kB\n", "Shared_Dirty: 4 kB\n", "Anonymous: 12 kB\n",
                              "Swap: 4 kB\n", "Locked: 4 kB\n"})
    EXPECT_THAT(clean_file_mappings(mapping("1000-3000 r--p 00001000 fe:00 12   /usr/lib/libx.so",
                                            std::string(kClean) + changed)),
                IsEmpty())
        << changed;
}

TEST(StartupMemory, LinesThatAreNoneAreNoMappings) {
  EXPECT_THAT(clean_file_mappings(""), IsEmpty());
  EXPECT_THAT(clean_file_mappings("3000-1000 r-xp 0 fe:00 12 /usr/lib/libx.so\nnonsense\n-\nff-"), IsEmpty());
}

// A file's page that was changed in memory only would come back as it is on disk.
TEST(StartupMemory, KeepsWhatIsInMemoryOnlyAndLetsTheRestGo) {
  constexpr std::size_t kPage = 4096;
  constexpr std::size_t kPages = 512;
  const std::string path = ::testing::TempDir() + "startup_memory." + std::to_string(::getpid());
  std::ofstream(path) << std::string(kPages * kPage, 'd');
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  const auto map = [&] {
    return static_cast<char*>(
        ::mmap(nullptr, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, fd, 0));
  };
  char* const changed = map();
  char* const clean =
      static_cast<char*>(::mmap(nullptr, kPages * kPage, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0));
  ASSERT_NE(changed, MAP_FAILED);
  ASSERT_NE(clean, MAP_FAILED);
  changed[0] = 'm';
  ASSERT_EQ(::mprotect(changed, kPages * kPage, PROT_READ), 0);
  EXPECT_GE(release_startup_memory(), kPages * kPage / 2);
  EXPECT_EQ(changed[0], 'm');
  EXPECT_EQ(clean[kPage], 'd');
  ::munmap(changed, kPages * kPage);
  ::munmap(clean, kPages * kPage);
  ::close(fd);
  std::remove(path.c_str());
}

}  // namespace
}  // namespace fluxrig::rack
