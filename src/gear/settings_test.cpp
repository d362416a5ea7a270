#include "gear/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "gear/option_values.hpp"

namespace fluxrig::gear {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<Option>& table() {
  static const std::vector<Option> options = {
      {.name = "framing",
       .type = OptionType::kChoice,
       .summary = "how messages are told apart",
       .choices = {"length2", "length4", "ascii4", "newline"}},
      {.name = "connections", .type = OptionType::kInteger, .fallback = "4", .minimum = 1, .maximum = 64},
      {.name = "ratio", .type = OptionType::kNumber, .fallback = "1", .minimum = 0, .maximum = 1},
      {.name = "keep_alive", .type = OptionType::kBoolean, .fallback = "true"},
      {.name = "reply_timeout",
       .type = OptionType::kDuration,
       .fallback = "5s",
       .minimum = 10,
       .maximum = 60'000},
      {.name = "limit", .type = OptionType::kSize, .fallback = "64KiB"},
      {.name = "listen", .type = OptionType::kListen},
      {.name = "connect", .type = OptionType::kAddress},
      {.name = "table", .type = OptionType::kPath},
      {.name = "hosts", .type = OptionType::kTexts},
      {.name = "tls",
       .type = OptionType::kMap,
       .items = {{.name = "name", .type = OptionType::kText, .required = true}}},
      {.name = "routes",
       .type = OptionType::kMaps,
       .items = {{.name = "path", .type = OptionType::kText, .summary = "the path", .required = true},
                 {.name = "status", .type = OptionType::kInteger, .fallback = "200"}}},
      {.name = "rules", .type = OptionType::kFree},
  };
  return options;
}

struct Read {
  std::vector<yaml::Complaint> complaints;
  std::unique_ptr<Settings> settings;
};

Read read(std::string_view text, const std::vector<Option>& options = table(), std::string_view folder = "") {
  auto node = yaml::parse(text);
  EXPECT_TRUE(node.has_value());
  Read result;
  result.settings = std::make_unique<Settings>(*node, options, folder, "gear 'bank'", result.complaints);
  return result;
}

yaml::Complaint only_complaint(std::string_view text) {
  const auto result = read(text);
  EXPECT_EQ(result.complaints.size(), 1U) << text;
  return result.complaints.empty() ? yaml::Complaint{} : result.complaints.front();
}

TEST(Settings, GivesTypedValuesAsWritten) {
  const auto [complaints, settings] = read(
      "{framing: ascii4, connections: 8, ratio: 0.25, keep_alive: false, reply_timeout: 250ms, limit: 2MB,\n"
      " listen: '[::1]:8080', connect: 'bank.example:8583', hosts: [a, b], tls: {name: x}, rules: {any: "
      "[1]}}");
  ASSERT_TRUE(complaints.empty()) << complaints.front().message;
  EXPECT_EQ(settings->text("framing"), "ascii4");
  EXPECT_EQ(settings->integer("connections"), 8);
  EXPECT_DOUBLE_EQ(settings->number("ratio"), 0.25);
  EXPECT_FALSE(settings->boolean("keep_alive"));
  EXPECT_EQ(settings->duration("reply_timeout"), milliseconds(250));
  EXPECT_EQ(settings->size("limit"), 2'000'000U);
  EXPECT_EQ(settings->endpoint("listen").host, "::1");
  EXPECT_EQ(settings->endpoint("connect").port, 8583);
  EXPECT_THAT(settings->texts("hosts"), ElementsAre("a", "b"));
  ASSERT_NE(settings->map("tls"), nullptr);
  EXPECT_EQ(settings->map("tls")->text("name"), "x");
  ASSERT_NE(settings->free("rules"), nullptr);
  EXPECT_NE(settings->free("rules")->find("any"), nullptr);
}

TEST(Settings, TakesDefaultsAndSaysWhatIsAbsent) {
  const auto [complaints, settings] = read("{}");
  ASSERT_TRUE(complaints.empty());
  EXPECT_EQ(settings->integer("connections"), 4);
  EXPECT_TRUE(settings->boolean("keep_alive"));
  EXPECT_EQ(settings->duration("reply_timeout"), milliseconds(5000));
  EXPECT_EQ(settings->size("limit"), 65536U);
  EXPECT_FALSE(settings->has("framing"));
  EXPECT_EQ(settings->text("framing"), "");
  EXPECT_EQ(settings->map("tls"), nullptr);
  EXPECT_TRUE(settings->maps("routes").empty());
  EXPECT_EQ(settings->free("rules"), nullptr);
  EXPECT_EQ(settings->mark("framing").line, 1);
}

TEST(Settings, NamesTheNearestChoiceAndAllOfThem) {
  const auto complaint = only_complaint("framing: lenght2");
  EXPECT_EQ(complaint.message, "gear 'bank': unknown framing 'lenght2'");
  EXPECT_EQ(complaint.hint, "did you mean 'length2'? one of: length2, length4, ascii4, newline");
  EXPECT_EQ(complaint.mark.column, 10);
  EXPECT_EQ(complaint.width, 7);
}

TEST(Settings, NamesTheNearestOptionForAnUnknownKey) {
  const auto complaint = only_complaint("conections: 4");
  EXPECT_EQ(complaint.message, "gear 'bank': unknown option 'conections'");
  EXPECT_THAT(complaint.hint, HasSubstr("did you mean 'connections'?"));
  EXPECT_EQ(complaint.width, 10);
}

TEST(Settings, SaysWhatWasExpectedWithAnExample) {
  EXPECT_EQ(only_complaint("reply_timeout: 5").message,
            "gear 'bank': 'reply_timeout' must be a duration, such as 250ms or 5s, not '5'");
  EXPECT_THAT(only_complaint("limit: many").message, HasSubstr("a size, such as 64KiB or 2MB, not 'many'"));
  EXPECT_THAT(only_complaint("connections: [1]").message, HasSubstr("a whole number, such as 8, not a list"));
  EXPECT_EQ(only_complaint("connections: \"4\"").hint, "write it without quotes");
  EXPECT_THAT(only_complaint("keep_alive: yes").message, HasSubstr("true or false, not 'yes'"));
  EXPECT_THAT(only_complaint("framing: ").hint, HasSubstr("leave the key out"));
  EXPECT_THAT(only_complaint("hosts: a").message, HasSubstr("a list of text"));
  EXPECT_THAT(only_complaint("tls: on").message, HasSubstr("a map"));
  EXPECT_THAT(only_complaint("listen: '8080'").message, HasSubstr("port to listen on"));
}

TEST(Settings, SaysTheRangeInTheUnitOfTheOption) {
  EXPECT_EQ(only_complaint("reply_timeout: 2h").message,
            "gear 'bank': 'reply_timeout' must be between 10ms and 1m, not '2h'");
  EXPECT_EQ(only_complaint("connections: 0").message,
            "gear 'bank': 'connections' must be between 1 and 64, not '0'");
  EXPECT_EQ(only_complaint("ratio: 1.5").message, "gear 'bank': 'ratio' must be between 0 and 1, not '1.5'");
}

TEST(Settings, ReportsEveryMistakeAndWhereInNestedLists) {
  const auto result = read("routes: [{path: /a}, {status: 9, pth: /b}]\ntls: {}\nratio: x");
  ASSERT_EQ(result.complaints.size(), 4U);
  EXPECT_THAT(result.complaints[0].message, HasSubstr("'ratio' must be"));
  EXPECT_THAT(result.complaints[1].message, HasSubstr("tls: 'name' is missing"));
  EXPECT_EQ(result.complaints[2].message, "gear 'bank': routes 2: unknown option 'pth'");
  EXPECT_EQ(result.complaints[3].message, "gear 'bank': routes 2: 'path' is missing: the path");
  EXPECT_EQ(result.complaints[3].mark.column, 22);
}

TEST(Settings, FindsFilesBesideTheScenario) {
  char directory[] = "/tmp/fluxrig-settings-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  std::ofstream(std::string(directory) + "/map.yaml") << "a: b\n";
  const auto found = read("table: map.yaml", table(), directory);
  const auto missing = read("table: mop.yaml", table(), directory);
  std::filesystem::remove_all(directory);
  ASSERT_TRUE(found.complaints.empty());
  EXPECT_EQ(found.settings->text("table"), std::string(directory) + "/map.yaml");
  ASSERT_EQ(missing.complaints.size(), 1U);
  EXPECT_EQ(missing.complaints[0].message, "gear 'bank': 'table': there is no file 'mop.yaml'");
  EXPECT_EQ(missing.complaints[0].hint, std::string("looked for ") + directory + "/mop.yaml");
}

TEST(Settings, CutsALongWrongValueInTheMessage) {
  const auto complaint = only_complaint("reply_timeout: " + std::string(5000, 'x'));
  EXPECT_LT(complaint.message.size(), 200U);
  EXPECT_LE(complaint.width, 80);
}

TEST(SettingsDeath, AskingForAnUndeclaredNameOrTypeIsABrokenInvariant) {
  const auto result = read("{}");
  EXPECT_DEATH((void)result.settings->text("nothing"), "");
  EXPECT_DEATH((void)result.settings->integer("framing"), "");
}

TEST(OptionValues, AcceptsOnlyExactForms) {
  EXPECT_EQ(parse_duration("2h"), 7'200'000);
  EXPECT_EQ(parse_duration("0"), 0);
  for (const auto* text :
       {"", "5", "s", "-1s", "5 s", "1.5s", "99999999999999999999s", "9223372036854775807d"})
    EXPECT_FALSE(parse_duration(text)) << text;
  EXPECT_EQ(parse_size("1GiB"), 1LL << 30);
  for (const auto* text : {"", "KiB", "5K", "-5", "9999999999TiB"}) EXPECT_FALSE(parse_size(text)) << text;
  EXPECT_FALSE(parse_number("nan"));
  EXPECT_FALSE(parse_number("1e999"));
}

TEST(OptionValues, TellsListenAddressesFromPeers) {
  EXPECT_EQ(parse_listen(":8080")->host, "");
  EXPECT_EQ(parse_listen("*:0")->port, 0);
  EXPECT_EQ(parse_listen("localhost:80")->host, "127.0.0.1");
  for (const auto* text :
       {"8080", "bank:80", "::1:80", "1.2.3:80", "[::1]", "[x]:80", "1.2.3.4:65536", ":-1"})
    EXPECT_FALSE(parse_listen(text)) << text;
  EXPECT_EQ(parse_address("10.1.2.3:8583")->host, "10.1.2.3");
  EXPECT_EQ(parse_address("[::1]:8583")->host, "::1");
  for (const auto* text : {":80", "bank:0", "bank", "1.2.3:80", "a b:80", ".a:80"})
    EXPECT_FALSE(parse_address(text)) << text;
}

TEST(OptionValues, FormatsToTheShortestExactForm) {
  EXPECT_EQ(format_duration(60'000), "1m");
  EXPECT_EQ(format_duration(1'500), "1500ms");
  EXPECT_EQ(format_size(65'536), "64KiB");
  EXPECT_EQ(format_size(2'000'000), "2MB");
  EXPECT_EQ(format_size(0), "0");
}

}  // namespace
}  // namespace fluxrig::gear
