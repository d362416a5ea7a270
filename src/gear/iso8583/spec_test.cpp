#include "gear/iso8583/spec.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/bytes.hpp"
#include "gear/iso8583/codec.hpp"

namespace fluxrig::gear::iso8583 {
namespace {

constexpr std::string_view kHead = "version: 0\nmessage_type: ascii\nbitmap: ascii\nelements:\n";

// The complaint about one element line below kHead (line 5 of the document).
yaml::Complaint complaint_about(std::string_view element) {
  const auto parsed = parse_specification(std::string(kHead) + std::string(element));
  EXPECT_FALSE(parsed) << element;
  return parsed ? yaml::Complaint{} : parsed.error();
}

TEST(Iso8583Spec, EveryShippedSpecificationLoadsUnderItsName) {
  ASSERT_GE(shipped_specifications().size(), 5U);
  for (const auto& shipped : shipped_specifications()) {
    const auto spec = load_specification(shipped.name, "");
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_EQ((*spec)->name, shipped.name);
    for (unsigned i = 2; i <= kLastElement; ++i) {
      EXPECT_EQ((*spec)->elements[i].defined, i != 65) << shipped.name << " " << i;
      EXPECT_EQ((*spec)->titles[i].empty(), i == 65) << shipped.name << " " << i;
    }
  }
}

TEST(Iso8583Spec, DefaultsAreOverriddenByTheElement) {
  const auto spec = parse_specification(
      "message_type: bcd\nbitmap: binary\ndefaults: { numeric: bcd, length: binary }\n"
      "elements:\n"
      "  2: { format: n, type: llvar, length: 19, padding: right_f }\n"
      "  3: { format: n, length: 6, encoding: ascii, length_encoding: ascii }\n");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->elements[2].encoding, Encoding::kBcd);
  EXPECT_EQ(spec->elements[2].length_encoding, Encoding::kBinary);
  EXPECT_EQ(spec->elements[2].padding, Padding::kRightF);
  EXPECT_EQ(spec->elements[3].encoding, Encoding::kAscii);
  EXPECT_EQ(spec->elements[3].length_digits, 0);
  Fields fields;
  fields.append("mti", "0200");
  fields.append("2", "123");
  std::string bytes;
  ASSERT_TRUE(encode(*spec, fields, bytes));
  EXPECT_EQ(to_hex(as_bytes(bytes)), "0200400000000000000003123f");
}

TEST(Iso8583Spec, UnknownKeyIsMarkedWithTheNearestOne) {
  const auto complaint = complaint_about("  2: { format: n, lenght: 19 }\n");
  EXPECT_EQ(complaint.mark.line, 5);
  EXPECT_EQ(complaint.mark.column, 19);
  EXPECT_EQ(complaint.hint, "did you mean 'length'?");
}

TEST(Iso8583Spec, ContradictionsAreRefusedWithTheirLine) {
  for (const auto* element :
       {"  2: { format: q, length: 19 }", "  2: { format: n }", "  2: { format: n, length: 0 }",
        "  2: { format: n, type: llvar, length: 100 }", "  2: { format: ans, length: 9, encoding: bcd }",
        "  2: { format: n, length: 9, encoding: binary }", "  2: { format: x+n, type: llvar, length: 8 }",
        "  2: { format: n, length: 9, padding: right_f }",
        "  2: { format: ans, length: 9, padding: left_zero }", "  1: { format: b, length: 8 }",
        "  65: { format: b, length: 1 }", "  129: { format: n, length: 1 }", "  2: 17",
        "  2: { length: 4 }"}) {
    const auto complaint = complaint_about(element);
    EXPECT_EQ(complaint.mark.line, 5) << element;
    EXPECT_FALSE(complaint.message.empty()) << element;
  }
}

TEST(Iso8583Spec, MissingPartsAreRefused) {
  for (const auto* text :
       {"", "a: 1", "bitmap: ascii\nelements: {}", "message_type: ascii\nelements: {}",
        "message_type: ascii\nbitmap: ascii", "message_type: binary\nbitmap: ascii\nelements: {}",
        "message_type: ascii\nbitmap: bcd\nelements: {}", "[1, 2]"})
    EXPECT_FALSE(parse_specification(text)) << text;
}

TEST(Iso8583Spec, OwnFileIsReadAndItsMistakesNameFileAndLine) {
  std::string folder = (std::filesystem::temp_directory_path() / "fluxrig-spec-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/own.yaml") << kHead << "  2: { format: n, length: 4 }\n";
  std::ofstream(folder + "/bad.yaml") << kHead << "  2: { format: n, length: many }\n";
  EXPECT_TRUE(load_specification("own.yaml", folder));
  const auto bad = load_specification("bad.yaml", folder);
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("bad.yaml:5:27: "), std::string::npos) << bad.error().message;
  std::filesystem::remove_all(folder);
}

TEST(Iso8583Spec, UnknownNameGetsTheNearestShippedOne) {
  const auto spec = load_specification("iso8583-1987-asci", "");
  ASSERT_FALSE(spec);
  EXPECT_NE(spec.error().message.find("did you mean 'iso8583-1987-ascii'?"), std::string::npos);
}

}  // namespace
}  // namespace fluxrig::gear::iso8583
