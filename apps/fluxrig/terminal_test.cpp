#include "fluxrig/terminal.hpp"

#include <gtest/gtest.h>

#include "fluxrig/duration.hpp"
#include "fluxrig/table.hpp"

namespace fluxrig::client {
namespace {

TEST(Terminal, PrintableNamesWhatWouldSteerTheTerminal) {
  EXPECT_EQ(printable("a\x1b[31mb\r\n\x7f"), "a\\x1b[31mb\\x0d\\x0a\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\x9b31m");  // C1 control sequence introducer
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "fdp.exe"),
            "\\u{202e}fdp.exe");  // right-to-left override
}

TEST(Terminal, PrintableKeepsTextAndNamesBytesThatAreNoUtf8) {
  EXPECT_EQ(printable("Zürich ✓"), "Zürich ✓");
  EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
}

TEST(Terminal, CutsAtCharactersAndEndsInAnEllipsis) {
  EXPECT_EQ(cut_to("Zürich", 6), "Zürich");
  EXPECT_EQ(cut_to("Zürich", 4), "Zür…");
  EXPECT_EQ(cut_to("abc", 0), "");
}

TEST(Terminal, PaintsOnlyWithColours) {
  EXPECT_EQ(paint({false, 80}, Colour::kRed, "x"), "x");
  EXPECT_EQ(paint({true, 80}, Colour::kRed, "x"), "\x1b[31mx\x1b[0m");
}

TEST(Table, AlignsColumnsAndEscapesCells) {
  Table table({{"name"}, {"count", Align::kRight}});
  table.add({"ä", "7"});
  table.add({"a\x1b", "1234567"});
  table.add({"alone"});
  EXPECT_EQ(table.render({false, 80}),
            "name     count\n"
            "ä            7\n"
            "a\\x1b  1234567\n"
            "alone\n");
}

TEST(Duration, ParsesUnitsAndRefusesTheRest) {
  EXPECT_EQ(parse_duration("250ms"), 250'000'000);
  EXPECT_EQ(parse_duration("1.5m"), 90'000'000'000);
  EXPECT_EQ(parse_duration("20s"), 20'000'000'000);
  for (const char* wrong : {"", "20", "s", "-1s", "1..5s", "20 s", "1e3s", "99999999d", "5x"})
    EXPECT_EQ(parse_duration(wrong), std::nullopt) << wrong;
}

TEST(Duration, MillisecondsKeepThreeDigits) {
  EXPECT_EQ(milliseconds_text(20'000), "0.02");
  EXPECT_EQ(milliseconds_text(18'430'000), "18.4");
  EXPECT_EQ(milliseconds_text(1'840'000'000), "1840");
}

}  // namespace
}  // namespace fluxrig::client
