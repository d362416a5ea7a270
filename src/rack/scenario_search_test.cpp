// What is said of a wrong scenario shows no half of a card number, wherever a text is cut.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "gear/catalogue.hpp"
#include "rack/scenario.hpp"

namespace fluxrig::rack {
namespace {

// Ends in a number of which a cut after 64 characters (40 and 32 in some places) leaves twelve digits or
// more.
std::string long_text(std::size_t cut) { return std::string(cut - 14, 'x') + "-4532015112830366"; }
constexpr std::string_view kShownAtMost = "4532015";  // a mask leaves six digits

std::string said_of(const std::string& text) {
  const auto loaded = load(text, "", gear::catalogue());
  EXPECT_FALSE(loaded.has_value()) << text;
  return loaded ? std::string() : report(loaded.error(), "edge.yaml", text);
}

std::string with_gear(const std::string& gear, const std::string& wires = "shop -> out") {
  return "rack: edge\ngears:\n  shop: { type: http_server, listen: \"127.0.0.1:0\", routes: [ { path: /x } ] "
         "}\n" +
         gear + "wires: [ " + wires + " ]\n";
}

TEST(ScenarioSearch, NoComplaintShowsHalfANumber) {
  const auto text = long_text(64);
  const auto out = "  out: { type: respond }\n";
  const std::vector<std::string> wrong = {
      "rack: \"" + text + "\"\n",
      "rack: edge\nmixer: { address: \"" + text + "\", certificates: pki }\n",
      with_gear("  " + text + ": { }\n"),
      with_gear("  " + text + ": { type: nonsense }\n"),
      with_gear("  " + text + ": { type: respond, nonsense: 1 }\n"),
      with_gear("  out: { type: " + text + " }\n"),
      with_gear("  out: { type: respond, " + text + ": 1 }\n"),
      with_gear("  out: { type: tcp_client, connect: \"a:1\", framing: " + text + " }\n"),
      with_gear("  out: { type: tcp_client, connect: \"a:1\", reply_timeout: " + text + " }\n"),
      with_gear(out, "shop -> " + text),
      with_gear(out, "shop." + text + " -> out"),
      with_gear("  codec: { type: iso8583, spec: iso8583-1987-ascii, record: [ \"" + long_text(40) +
                "\" ] }\n" + out),
      "rack: edge\nsanitize: { rules: [ { name: " + long_text(32) + ", pattern: \"(\", action: mask } ] }\n" +
          with_gear(out).substr(11)};
  for (const auto& one : wrong) {
    const auto said = said_of(one);
    EXPECT_EQ(said.find(kShownAtMost), std::string::npos) << said;
    EXPECT_NE(said.find("xx"), std::string::npos) << "it is quoted: " << said;
  }
}

}  // namespace
}  // namespace fluxrig::rack
