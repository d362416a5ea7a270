#include "otlp/process_resource.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>

namespace fluxrig::otlp {
namespace {

const model::Value* value_of(const std::vector<model::Attribute>& attributes, std::string_view key) {
  const auto found =
      std::find_if(attributes.begin(), attributes.end(), [key](const auto& one) { return one.key == key; });
  return found == attributes.end() ? nullptr : &found->value;
}

TEST(ProcessAttributes, SayHostSystemAndProcess) {
  const auto attributes = process_attributes();
  std::array<char, 256> host{};
  ASSERT_EQ(gethostname(host.data(), host.size() - 1), 0);
  std::string release;
  std::getline(std::ifstream("/proc/sys/kernel/osrelease") >> std::ws, release);
  EXPECT_EQ(*value_of(attributes, "host.name"), model::Value(std::string(host.data())));
  EXPECT_EQ(*value_of(attributes, "os.type"), model::Value(std::string("linux")));
  EXPECT_EQ(*value_of(attributes, "os.version"), model::Value(release));
  EXPECT_EQ(*value_of(attributes, "process.pid"), model::Value(std::int64_t{getpid()}));
  EXPECT_EQ(*value_of(attributes, "process.executable.name"), model::Value(std::string("test_otlp")));
#ifdef __x86_64__
  EXPECT_EQ(*value_of(attributes, "host.arch"), model::Value(std::string("amd64")));
#endif
}

TEST(ProcessAttributes, KeepTheCommandLineToThemselves) {
  for (const auto& attribute : process_attributes())
    EXPECT_FALSE(attribute.key.starts_with("process.command") || attribute.key == "host.id") << attribute.key;
}

}  // namespace
}  // namespace fluxrig::otlp
