#include "fluxrig/api_client.hpp"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cstdlib>

#include "fluxrig/api_views.hpp"
#include "fluxrig/files.hpp"
#include "fluxrig/terminal.hpp"

namespace fluxrig::client {
namespace {

constexpr std::size_t kMaxTokenBytes = 4096;
constexpr std::size_t kMaxLineBytes = 1U << 20;

std::string text_member(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  // The store's complaints point at a place with a line of their own.
  return value != nullptr && value->is_string() ? for_stream(std::string(value->as_string()), true) : "";
}

}  // namespace

void add_mixer_options(CLI::App& command, MixerOptions& options) {
  options.url = "http://127.0.0.1:7070";
  command.add_option("--mixer", options.url, "the mixer's HTTP API")
      ->envname("FLUXRIG_MIXER_API")
      ->capture_default_str()
      ->type_name("URL");
  command
      .add_option("--token-file", options.token_file,
                  "the file with its token; FLUXRIG_TOKEN holds the token itself")
      ->envname("FLUXRIG_TOKEN_FILE")
      ->type_name("FILE");
  command.add_option("--ca", options.authority, "PEM file of the authority that https is checked against")
      ->envname("FLUXRIG_CA")
      ->type_name("FILE");
}

Outcome<ApiAddress> parse_api_url(std::string_view url) {
  const auto wrong = [&] {
    return problem(
        fmt::format("--mixer '{}' is no URL; write http://host:port or https://host:port", printable(url)));
  };
  ApiAddress address;
  std::string_view rest = url;
  if (rest.starts_with("https://"))
    address.tls = true;
  else if (!rest.starts_with("http://"))
    return wrong();
  rest.remove_prefix(address.tls ? 8 : 7);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.empty() || rest.find_first_of("/?#@ ") != std::string_view::npos) return wrong();
  address.authority = rest;
  const auto bracket = rest.starts_with('[') ? rest.find(']') : std::string_view::npos;
  const auto colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  address.port =
      colon == std::string_view::npos ? (address.tls ? "443" : "80") : std::string(rest.substr(colon + 1));
  rest = rest.substr(0, colon);
  if (bracket != std::string_view::npos) rest = rest.substr(1, bracket - 1);
  address.host = rest;
  const bool digits = address.port.find_first_not_of("0123456789") == std::string::npos;
  if (address.host.empty() || address.port.empty() || address.port.size() > 5 || !digits) return wrong();
  return address;
}

Outcome<ApiClient> ApiClient::make(const MixerOptions& options) {
  auto address = parse_api_url(options.url);
  if (!address) return tl::unexpected(address.error());
  ApiClient client;
  client.url_ = printable(options.url);
  client.address_ = *std::move(address);
  client.ca_file_ = options.authority;
  if (!options.token_file.empty()) {
    auto token = read_file(options.token_file, kMaxTokenBytes);
    if (!token) return problem("the token file " + printable(token.error().message));
    client.token_ = *std::move(token);
    client.token_source_ = "the token file " + printable(options.token_file);
  } else if (const char* token = std::getenv("FLUXRIG_TOKEN"); token != nullptr) {
    client.token_ = token;
    client.token_source_ = "the token of FLUXRIG_TOKEN";
  }
  client.token_.erase(client.token_.find_last_not_of(" \r\n\t") + 1);
  for (const char c : client.token_)
    if (c <= ' ' || c == 0x7f)
      return problem(client.token_source_ + " is no token: it holds spaces or control characters");
  return client;
}

Problem ApiClient::unauthorized() const {
  if (token_.empty())
    return {
        fmt::format("{} wants a token: give --token-file FILE or FLUXRIG_TOKEN_FILE (the mixer keeps it in "
                    "<its data directory>/api-token)",
                    url_)};
  return {fmt::format("{} does not accept {}; is it the one of this mixer (<its data directory>/api-token)?",
                      url_, token_source_)};
}

Outcome<ApiReply> ApiClient::call(const ApiRequest& request) const {
  ApiReply reply;
  bool oversize = false;
  const auto status = exchange(request, [&](unsigned, std::string_view bytes) {
    oversize = reply.body.size() + bytes.size() > kMaxReplyBytes;
    if (!oversize) reply.body += bytes;
    return !oversize;
  });
  if (!status) return tl::unexpected(status.error());
  if (oversize)
    return problem(fmt::format("{}: the reply is larger than {} bytes; ask for less", url_, kMaxReplyBytes));
  if (*status == 401) return tl::unexpected(unauthorized());
  reply.status = *status;
  return reply;
}

Outcome<void> ApiClient::lines(const ApiRequest& request, const OnLine& line) const {
  std::string pending;
  bool oversize = false;
  const auto status = exchange(request, [&](unsigned code, std::string_view bytes) {
    pending += bytes;
    oversize = pending.size() > kMaxLineBytes;
    if (code != 200 || oversize) return !oversize;
    std::size_t begin = 0;
    for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n', begin)) {
      if (!line(std::string_view(pending).substr(begin, end - begin))) return false;
      begin = end + 1;
    }
    pending.erase(0, begin);
    return true;
  });
  if (!status) return tl::unexpected(status.error());
  if (*status == 401) return tl::unexpected(unauthorized());
  if (oversize) return problem(fmt::format("{}: a line is larger than {} bytes", url_, kMaxLineBytes));
  if (*status != 200) return problem(describe_failure(url_, {*status, pending}));
  return {};
}

std::string describe_failure(const std::string& url, const ApiReply& reply) {
  boost::system::error_code error;
  const auto value = boost::json::parse(reply.body, error);
  if (error || !value.is_object()) return fmt::format("{}: HTTP {}", url, reply.status);
  const auto& object = value.as_object();
  const auto detail = text_member(object, "detail");
  std::string sentence = detail.empty() ? text_member(object, "title") : detail;
  if (sentence.empty()) sentence = "no reason given";
  return fmt::format("{}: {} (HTTP {})", url, sentence, reply.status);
}

std::vector<std::string> candidates_of(const ApiReply& reply) {
  constexpr std::size_t kMost = 20;
  boost::system::error_code error;
  const auto value = boost::json::parse(reply.body, error);
  std::vector<std::string> candidates;
  if (error || !value.is_object()) return candidates;
  const auto* list = value.as_object().if_contains("candidates");
  if (list == nullptr || !list->is_array()) return candidates;
  for (const auto& entry : list->as_array())
    if (entry.is_string() && candidates.size() < kMost)
      candidates.push_back(printable(std::string_view(entry.as_string())));
  return candidates;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<std::uint8_t>(c));
  }
  return out;
}

}  // namespace fluxrig::client
