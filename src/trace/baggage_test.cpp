#include "trace/baggage.hpp"

#include <gtest/gtest.h>

namespace fluxrig::trace {
namespace {

std::string members(std::size_t count, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i)
    text += (i == 0 ? "" : ",") + std::string("k=") + std::string(size - 2, 'v');
  return text;
}

TEST(Baggage, ComesBackAsItWas) {
  for (const char* text :
       {"", "userId=alice",
        "key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=propertyValue",
        "a=1,\tb=2 ,", "SomeKey=\t \t SomeValue \t ; SomeProp", "a=b=c=d", "serverNode=DF%2028,a=1,a=2",
        "not a pair"})
    EXPECT_EQ(bound_baggage(text), text);
}

TEST(Baggage, PassesOnWhatTheStandardAsksFor) {
  // 64 members of together 8192 bytes.
  const std::string most = members(64, 127) + "v";
  ASSERT_EQ(most.size(), 8192U);
  EXPECT_EQ(bound_baggage(most), most);
  const std::string one = "k=" + std::string(8190, 'v');
  EXPECT_EQ(bound_baggage(one), one);
  EXPECT_EQ(bound_baggage(members(180, 4)), members(180, 4));
}

TEST(Baggage, LeavesOutTheMembersThatNoLongerFit) {
  EXPECT_EQ(bound_baggage(members(181, 4)), members(180, 4));
  EXPECT_EQ(bound_baggage(members(65, 127)), members(64, 127));
  EXPECT_EQ(bound_baggage("a=1,k=" + std::string(8190, 'v')), "a=1");
  EXPECT_EQ(bound_baggage("k=" + std::string(8191, 'v')), "");
  EXPECT_EQ(bound_baggage("a=1,k=" + std::string(8191, 'v') + ",b=2"), "a=1,b=2");
}

TEST(Baggage, LeavesOutTheMembersThatNoHeaderMayHold) {
  EXPECT_EQ(bound_baggage("a=1,b=\r\nevil: 1,c=3"), "a=1,c=3");
  EXPECT_EQ(bound_baggage("a=\xc3\xa4,c=3"), "c=3");
  EXPECT_EQ(bound_baggage(std::string("a=\0", 3)), "");
  EXPECT_EQ(bound_baggage("a=\x7f, b=2"), " b=2");
}

TEST(Baggage, JudgesEveryCharacter) {
  for (int c = 0; c < 256; ++c) {
    const std::string text = std::string("a=x") + static_cast<char>(c) + "y";
    const bool sendable = (c >= 0x20 && c < 0x7f) || c == '\t';
    EXPECT_EQ(bound_baggage(text), c == ',' || sendable ? text : "") << c;
  }
}

}  // namespace
}  // namespace fluxrig::trace
