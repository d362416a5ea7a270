#include "gear/net/option_tables.hpp"

namespace fluxrig::gear::net {

Option framing_option() {
  return {.name = "framing",
          .type = OptionType::kChoice,
          .summary = "how messages are told apart: big-endian length, ASCII digits, or line end",
          .fallback = "length2",
          .choices = {"length2", "length4", "ascii4", "newline"}};
}

Option server_tls_option() {
  return {.name = "tls",
          .type = OptionType::kMap,
          .summary = "TLS 1.2 or 1.3; without it the connection is plain",
          .items = {
              {.name = "certificate",
               .type = OptionType::kPath,
               .summary = "PEM chain, the leaf first",
               .required = true},
              {.name = "key",
               .type = OptionType::kPath,
               .summary = "PEM key of the certificate",
               .required = true},
              {.name = "client_ca",
               .type = OptionType::kPath,
               .summary = "authority that callers' certificates must come from (mutual TLS)"},
          }};
}

Option client_tls_option() {
  return {.name = "tls",
          .type = OptionType::kMap,
          .summary = "TLS 1.2 or 1.3; without it the connection is plain",
          .items = {
              {.name = "ca",
               .type = OptionType::kPath,
               .summary = "authority of the server; default: the system's"},
              {.name = "certificate",
               .type = OptionType::kPath,
               .summary = "PEM chain to show to the server (mutual TLS)"},
              {.name = "key", .type = OptionType::kPath, .summary = "PEM key of the certificate"},
              {.name = "verify",
               .type = OptionType::kBoolean,
               .summary = "check the server's certificate and host name",
               .fallback = "true"},
          }};
}

std::optional<TlsFiles> server_tls(const Settings& settings) {
  const auto* tls = settings.map("tls");
  if (tls == nullptr) return std::nullopt;
  return TlsFiles{tls->text("certificate"), tls->text("key"), tls->text("client_ca"), true};
}

std::optional<TlsFiles> client_tls(const Settings& settings) {
  const auto* tls = settings.map("tls");
  if (tls == nullptr) return std::nullopt;
  return TlsFiles{tls->text("certificate"), tls->text("key"), tls->text("ca"), tls->boolean("verify")};
}

void check_client_tls(const Settings& settings, std::vector<yaml::Complaint>& complaints) {
  const auto* tls = settings.map("tls");
  if (tls == nullptr || tls->text("certificate").empty() == tls->text("key").empty()) return;
  const bool has_key = tls->text("certificate").empty();
  complaints.push_back({.mark = settings.mark("tls"),
                        .message = has_key ? "'key' is given without its 'certificate'"
                                           : "'certificate' is given without its 'key'",
                        .hint = "give both, or neither"});
}

}  // namespace fluxrig::gear::net
