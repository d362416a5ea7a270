#include "base/yaml.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/test_gate.hpp"

namespace fluxrig::yaml {
namespace {

Node good(std::string_view text) {
  auto parsed = parse(text);
  EXPECT_TRUE(parsed) << text << "\n" << (parsed ? "" : parsed.error().message);
  return parsed ? std::move(*parsed) : Node{};
}

Complaint bad(std::string_view text) {
  auto parsed = parse(text);
  EXPECT_FALSE(parsed) << text.substr(0, 200);
  return parsed ? Complaint{} : parsed.error();
}

TEST(YamlParse, KeepsTheOrderTheKindsAndThePlaces) {
  const Node root = good(
      "rack: edge\n"
      "gears:\n"
      "  shop:   { type: http_server, listen: \"0.0.0.0:8080\" }\n"
      "wires: [ shop -> bank, 'a' ]\n");
  ASSERT_TRUE(root.is_map());
  ASSERT_EQ(root.entries.size(), 3U);
  EXPECT_EQ(root.entries[0].key, "rack");
  EXPECT_EQ(root.entries[2].key, "wires");
  EXPECT_EQ(root.entries[1].mark.line, 2);
  const Node* shop = root.find("gears")->find("shop");
  ASSERT_NE(shop, nullptr);
  const Node* listen = shop->find("listen");
  ASSERT_NE(listen, nullptr);
  EXPECT_EQ(listen->scalar, "0.0.0.0:8080");
  EXPECT_TRUE(listen->quoted);
  EXPECT_EQ(listen->mark.line, 3);
  EXPECT_EQ(listen->mark.column, 40);
  EXPECT_FALSE(shop->find("type")->quoted);
  const Node* wires = root.find("wires");
  ASSERT_EQ(wires->items.size(), 2U);
  EXPECT_EQ(wires->items[0].scalar, "shop -> bank");
  EXPECT_TRUE(wires->items[1].quoted);
  EXPECT_EQ(root.find("nothing"), nullptr);
  EXPECT_EQ(wires->find("x"), nullptr);
}

TEST(YamlParse, TakesAnEmptyDocumentForNullAtItsBeginning) {
  for (const char* text : {"", "\n\n", "# only a comment\n", "---\n"}) {
    const Node root = good(text);
    EXPECT_TRUE(root.is_null()) << text;
    EXPECT_GE(root.mark.line, 1);
  }
}

TEST(YamlParse, PlacesAMissingValueAtItsKey) {
  const Node root = good("a: 1\ngears:\nb: ~\n");
  EXPECT_TRUE(root.find("gears")->is_null());
  EXPECT_EQ(root.find("gears")->mark.line, 2);
  EXPECT_TRUE(root.find("b")->is_null());
  EXPECT_EQ(root.find("b")->mark.line, 3);
}

TEST(YamlParse, ReadsBlockScalarsAndEscapes) {
  const Node root = good("a: |\n  one\n  two\nb: \"x\\ty\"\nc: 'it''s'\n");
  EXPECT_EQ(root.find("a")->scalar, "one\ntwo\n");
  EXPECT_EQ(root.find("b")->scalar, "x\ty");
  EXPECT_EQ(root.find("c")->scalar, "it's");
}

TEST(YamlParse, RefusesASecondDocument) {
  EXPECT_EQ(bad("a: 1\n---\nb: 2\n").mark.line, 2);
  good("---\na: 1\n...\n");
}

TEST(YamlParse, RefusesADuplicateKeyAndNamesTheFirst) {
  const Complaint complaint = bad("a: 1\nbank: 2\nbank: 3\n");
  EXPECT_EQ(complaint.mark.line, 3);
  EXPECT_EQ(complaint.mark.column, 1);
  EXPECT_EQ(complaint.width, 4);
  EXPECT_EQ(complaint.message, "the key 'bank' is given twice");
  EXPECT_EQ(complaint.hint, "first in line 2");
  good("a: { x: 1 }\nb: { x: 1 }\n");
}

TEST(YamlParse, RefusesKeysThatAreNotText) {
  EXPECT_NE(bad("[a, b]: 1\n").message, "");
  EXPECT_NE(bad("? {a: 1}\n: 2\n").message, "");
  EXPECT_NE(bad("~: 1\n").message, "");
}

TEST(YamlParse, RefusesAnchorsAliasesAndForeignTags) {
  EXPECT_NE(bad("a: &x 1\n").message.find("anchor"), std::string::npos);
  EXPECT_NE(bad("&x {a: 1}\n").message.find("anchor"), std::string::npos);
  EXPECT_NE(bad("a: &x [1]\nb: *x\n").message.find("anchor"), std::string::npos);
  EXPECT_NE(bad("b: *x\n").message.find("anchor"), std::string::npos);
  EXPECT_NE(bad("a: !!binary aGk=\n").message.find("tag"), std::string::npos);
  EXPECT_TRUE(good("a: !!str 5\n").find("a")->quoted);
}

TEST(YamlParse, RefusesNestingOverTheLimitAndTakesTheLimit) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  good(nested(kMaxDepth));
  EXPECT_NE(bad(nested(kMaxDepth + 1)).message.find("deeper"), std::string::npos);
  bad(std::string(1'000'000, '['));
}

TEST(YamlParse, RefusesTooManyValuesAndTooManyBytes) {
  std::string list;
  for (std::size_t i = 0; i <= kMaxNodes; ++i) list += "- 1\n";
  EXPECT_NE(bad(list).message.find("values"), std::string::npos);
  EXPECT_NE(bad(std::string(kMaxBytes + 1, ' ')).message.find("bytes"), std::string::npos);
}

TEST(YamlParse, RefusesControlCharactersAndBytesThatAreNotUtf8) {
  using std::string_literals::operator""s;
  for (const auto& text : {"a: b\0c"s, "a: \x04"s, "a: \x1b[2J"s, "a: \x7f"s})
    EXPECT_NE(bad(text).message.find("control"), std::string::npos);
  const Complaint complaint = bad("a: 1\nb: \xff\n");
  EXPECT_NE(complaint.message.find("UTF-8"), std::string::npos);
  EXPECT_EQ(complaint.mark.line, 2);
  EXPECT_EQ(complaint.mark.column, 4);
  EXPECT_NE(bad("\xff\xfe\x61\x62").message.find("UTF-8"), std::string::npos);
}

TEST(YamlParse, NamesThePlaceOfASyntaxError) {
  EXPECT_EQ(bad("a: 1\nb: [1, 2\nc: 3\n").message.rfind("not valid YAML: ", 0), 0U);
  const Complaint complaint = bad("a: 1\nb: c: d\n");
  EXPECT_EQ(complaint.mark.line, 2);
  EXPECT_EQ(complaint.mark.column, 5);
  for (const char* text : {"a: \"x", "a: 'x", "{", "}", "a\n b: c", "- a\nb", "%YAML 9.9\n---\n", "a: @x",
                           "a: `x", "x: \"\\q\""})
    bad(text);
}

TEST(YamlParse, RefusesAQuoteThatIsNeverClosedAndNamesWhereItOpens) {
  for (const std::string bom : {"", "\xef\xbb\xbf"})
    for (const char* text : {"a: 1\r\nb: \"x\r\nc: 1\r\n", "a: 1\nb: 'x''\nc: 1\n",
                             "a: 1\nb: \"x\\\"\nc: 1\n", "a: [1]\nb: \"gr\xc3\xbc\n"}) {
      const Complaint complaint = bad(bom + text);
      EXPECT_EQ(complaint.message, "this quote is never closed") << text;
      EXPECT_EQ(complaint.mark.line, 2);
      EXPECT_EQ(complaint.mark.column, 4);
    }
  const Node root = good(
      "\xef\xbb\xbf"
      "a: 'it''s'\n'k': \"x\\\"y\\\\\"\nl: |\n  'open\nm: \"two\n  lines\"\nn: ''\n");
  EXPECT_EQ(root.find("k")->scalar, "x\"y\\");
  EXPECT_EQ(root.find("l")->scalar, "'open\n");
  EXPECT_EQ(root.find("m")->scalar, "two lines");
}

TEST(YamlRender, MarksTheCulpritWithItsWidthAndAddsTheHint) {
  const Complaint complaint{{2, 12}, 7, "gear 'bank': unknown framing 'lenght2'", "did you mean 'length2'?"};
  EXPECT_EQ(render(complaint, "edge.yaml", "rack: x\n  framing: lenght2\nend: 1\n", pass_unsearched),
            "edge.yaml:2:12: gear 'bank': unknown framing 'lenght2'\n"
            "      framing: lenght2\n"
            "               ^~~~~~~ did you mean 'length2'?\n");
}

TEST(YamlRender, CountsCharactersNotBytesBeforeAndInTheMark) {
  // Columns are bytes, as yaml-cpp counts them.
  const std::string text = "gr\xc3\xbc\xc3\x9f: z\xc3\xbcrich!\n";
  const Node root = good(text);
  const Mark mark = root.entries[0].value.mark;
  EXPECT_EQ(mark.column, 9);
  EXPECT_EQ(render({mark, 7, "m", ""}, "f", text, pass_unsearched),
            "f:1:9: m\n    gr\xc3\xbc\xc3\x9f: z\xc3\xbcrich!\n          ^~~~~~\n");
}

TEST(YamlRender, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(render({{1, 3}, 1, "bad \x1b[2J", "h\n"}, "f",
                   "\ta\x1b"
                   "b\xff\r\n",
                   pass_unsearched),
            "f:1:3: bad \\x1b[2J\n     a\\x1b"
            "b\\xff\n      ^~~~ h\\x0a\n");
  EXPECT_EQ(render({{1, 2}, 1, "m", ""}, "f",
                   "a\xc2\x9b"
                   "b\n",
                   pass_unsearched),
            "f:1:2: m\n    a\\x9b"
            "b\n     ^~~~\n");
}

TEST(YamlRender, CutsLongLinesAroundTheMark) {
  std::string text(601, 'a');
  text[300] = 'X';
  text.replace(301, 300, 300, 'b');
  const std::string shown = render({{1, 301}, 1, "m", ""}, "f", text, pass_unsearched);
  const auto second = shown.find('\n') + 1;
  const auto third = shown.find('\n', second) + 1;
  const std::string line = shown.substr(second + 4, third - second - 5);
  const std::string marks = shown.substr(third + 4);
  EXPECT_LE(line.size(), 110U);
  EXPECT_TRUE(line.starts_with("...a"));
  EXPECT_TRUE(line.ends_with("b..."));
  EXPECT_EQ(line.find('X'), marks.find('^'));
}

TEST(YamlRender, EverythingPassesTheGateAndTheLineBeforeItIsCut) {
  // Knows "SECRET" only as a whole word, as the real one knows a number only as a whole.
  const TextGate gate = [](std::string_view text) {
    std::string out(text);
    for (auto at = out.find("SECRET"); at != std::string::npos; at = out.find("SECRET"))
      out.replace(at, 6, "******");
    return out;
  };
  // At every place around both ends of what is shown of a line.
  for (std::size_t at = 0; at + 6 <= 400; ++at) {
    std::string text(400, 'a');
    text.replace(at, 6, "SECRET");
    EXPECT_EQ(render({{1, 201}, 1, "m", ""}, "f", text, gate).find_first_of("SECRT"), std::string::npos)
        << at;
  }
  EXPECT_EQ(render({{1, 1}, 1, "no SECRET", "SECRET?"}, "SECRET.yaml", "SECRET", gate),
            "******.yaml:1:1: no ******\n    ******\n    ^ ******?\n");
}

TEST(YamlRender, ShowsNoLineWhereThereIsNone) {
  EXPECT_EQ(render({{}, 1, "m", "h"}, "f", "text", pass_unsearched), "f: m\n    h\n");
  EXPECT_EQ(render({{9, 1}, 1, "m", ""}, "f", "text", pass_unsearched), "f:9:1: m\n");
  EXPECT_EQ(render({{1, 99}, 5, "m", ""}, "f", "text", pass_unsearched), "f:1:99: m\n    text\n        ^\n");
}

}  // namespace
}  // namespace fluxrig::yaml
