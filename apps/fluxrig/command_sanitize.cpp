// fluxrig sanitize explain FILE: which rule of the sanitiser hits what in a file, and what is left of it.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <memory>

#include "base/bytes.hpp"
#include "fluxrig/command.hpp"
#include "fluxrig/explain.hpp"
#include "fluxrig/files.hpp"
#include "fluxrig/table.hpp"
#include "fluxrig/terminal.hpp"
#include "gear/catalogue.hpp"
#include "rack/rack.hpp"
#include "rack/scenario.hpp"

namespace fluxrig::client {
namespace {

constexpr std::size_t kMostBytes = 1U << 20;

constexpr const char* kFooter = R"(Examples:
  fluxrig sanitize explain message.json            members by path and name, then by search
  fluxrig sanitize explain --as text rack.log      by search only
  fluxrig sanitize explain --as emv field55.hex    hexadecimal TLV, by allow list
  fluxrig sanitize explain --scenario edge.yaml --field note a.txt    with the rules of a scenario

What is printed is what would be stored: no number is shown that the sanitiser would not let through.
Exit codes: 0 done, 1 the file does not parse as what it is taken for, 2 the command line or the file is wrong.)";

struct ExplainOptions {
  std::string file;
  std::string form;
  std::string scenario;
  std::string field;
};

// The rules of a scenario that is right; the error is its report.
tl::expected<std::unique_ptr<sanitize::UserRules>, std::string> rules_of(const std::string& path) {
  if (path.empty()) return nullptr;
  const auto text = read_file(path, yaml::kMaxBytes);
  if (!text) return tl::unexpected(text.error().message + "\n");
  const auto slash = path.rfind('/');
  const auto folder = slash == std::string::npos ? std::string(".") : path.substr(0, slash + 1);
  const auto catalogue = gear::catalogue();
  auto scenario = rack::load(*text, folder, catalogue, rack::process_environment());
  if (!scenario) return tl::unexpected(rack::report(scenario.error(), path, *text));
  if (scenario->rules.empty()) return nullptr;
  auto rules = sanitize::UserRules::compile(std::move(scenario->rules));
  if (!rules) return tl::unexpected(rules.error().why + "\n");
  return *std::move(rules);
}

std::string stripped(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') out += c;
  return out;
}

std::optional<std::vector<ExplainedHit>> explain(const std::string& text, std::string_view form,
                                                 const ExplainRules& users) {
  if (form == "text") return explain_text(text, users);
  if (form == "emv") {
    const auto bytes = from_hex(stripped(text));
    return bytes ? explain_emv(*bytes) : std::nullopt;
  }
  return explain_json(text, users);
}

int run(const ExplainOptions& options) {
  const auto text = read_file(options.file, kMostBytes);
  if (!text) {
    fmt::print(stderr, "fluxrig sanitize: {}\n", printable(text.error().message));
    return kExitUsage;
  }
  const auto rules = rules_of(options.scenario);
  if (!rules) {
    fmt::print(stderr, "{}", rules.error());
    return kExitUsage;
  }
  const auto first = text->find_first_not_of(" \t\r\n");
  const bool looks_like_json = first != std::string::npos && ((*text)[first] == '{' || (*text)[first] == '[');
  const std::string form = options.form.empty() ? (looks_like_json ? "json" : "text") : options.form;
  const auto hits = explain(*text, form, {rules->get(), options.field});
  if (!hits) {
    fmt::print(stderr,
               "fluxrig sanitize: {} is no {} that can be read; a payload that does not parse is not shown: "
               "only its "
               "length, {} bytes, is recorded\n",
               printable(options.file), form, text->size());
    return kExitFailure;
  }
  Table table({{"where"}, {"rule"}, {"action"}, {"what is left"}});
  for (const auto& hit : *hits)
    table.add({printable(hit.where), hit.rule, hit.action, cut_to(printable(hit.left), 60)});
  if (table.rows() != 0) fmt::print("{}", table.render(terminal_of(stdout)));
  fmt::print("({} hit{} in {} bytes of {})\n", table.rows(), table.rows() == 1 ? "" : "s", text->size(),
             form);
  return kExitOk;
}

}  // namespace

void add_sanitize_commands(CLI::App& app, Action& action) {
  auto* sanitize = app.add_subcommand("sanitize", "What the sanitiser does to a file");
  sanitize->require_subcommand(1);
  auto* command = sanitize->add_subcommand("explain", "Which rule hits what, and what is left");
  const auto options = std::make_shared<ExplainOptions>();  // the parser and the action both need it
  command->add_option("file", options->file, "at most 1 MiB")->required()->type_name("FILE");
  command->add_option("--as", options->form, "json, text or emv (default: json where it looks like it)")
      ->check(CLI::IsMember({"json", "text", "emv"}))
      ->type_name("FORM");
  command->add_option("--scenario", options->scenario, "also by the rules under its sanitize.rules")
      ->type_name("FILE");
  command->add_option("--field", options->field, "the attribute that a text is taken for by those rules")
      ->type_name("NAME");
  command->footer(kFooter);
  command->callback([&action, options] { action = [options] { return run(*options); }; });
}

}  // namespace fluxrig::client
