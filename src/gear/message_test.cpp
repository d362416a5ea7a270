// Nothing of a message stays in the memory that it had, once it has served.
#include "gear/message.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace fluxrig::gear {
namespace {

// Long enough for memory of its own, and kept: what it held can be looked at afterwards.
constexpr std::size_t kRoom = 64;
const std::string kNumber = "4111111111111111, and so many letters that it has memory of its own";

bool is_zero(const char* bytes, std::size_t size) {
  return std::all_of(bytes, bytes + size, [](char c) { return c == 0; });
}

TEST(Message, ItsPayloadIsOverwrittenWhereItStood) {
  Message message;
  message.payload = kNumber;
  const char* at = message.payload.data();
  ASSERT_EQ(std::string_view(at, 4), "4111");
  message.wipe();
  EXPECT_TRUE(message.payload.empty());
  ASSERT_EQ(message.payload.data(), at) << "the string has let go of its memory, which nobody may look at";
  EXPECT_TRUE(is_zero(at, kRoom));
}

// A value without memory of its own stands in the object, which is looked at here as the bytes that it is.
TEST(Fields, AValueThatIsReplacedErasedOrClearedIsOverwritten) {
  const auto holds = [](const std::array<std::string, 3>& values) {
    const auto* bytes = reinterpret_cast<const char*>(values.data());
    return std::string_view(bytes, sizeof values).find("4111") != std::string_view::npos;
  };
  std::array<std::string, 3> values{"41111111", "41111111", "41111111"};
  ASSERT_TRUE(holds(values));
  for (auto& value : values) Fields::wipe(value);
  EXPECT_FALSE(holds(values));
}

TEST(Fields, NoValueIsLeftInWhatTheyGiveBack) {
  // The memory of the entries, as their owner's allocator gives it: a field erased leaves zeros behind it.
  Fields fields;
  fields.reserve(4);
  fields.append("2", "41111111");
  fields.append("3", "00");
  const auto* entries = reinterpret_cast<const char*>(&*fields.begin());
  const std::size_t size = 2 * sizeof *fields.begin();
  ASSERT_NE(std::string_view(entries, size).find("41111111"), std::string_view::npos);
  fields.set("2", "x");
  EXPECT_EQ(std::string_view(entries, size).find("1111111"), std::string_view::npos);
  fields.set("2", "41111111");
  fields.erase("2");
  EXPECT_EQ(std::string_view(entries, size).find("1111111"), std::string_view::npos);
}

}  // namespace
}  // namespace fluxrig::gear
