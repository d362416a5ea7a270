// One request and its reply, over Beast. Asynchronous calls run to their end one by one: only they have
// time-outs.
#include <fmt/core.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

#include "fluxrig/api_client.hpp"
#include "fluxrig/terminal.hpp"
#include "rack/version.hpp"

namespace fluxrig::client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using beast::error_code;

constexpr auto kTimeout = std::chrono::seconds(ApiClient::kTimeoutSeconds);

template <typename Start>
error_code await(asio::io_context& io, Start start) {
  error_code result;
  start([&result](const error_code& error, auto&&...) { result = error; });
  io.restart();
  io.run();
  return result;
}

// What failed, and why.
struct Step {
  const char* what = nullptr;  // null: nothing
  error_code error;
  std::string cause = {};  // in better words than the error's
};

bool is_ssl(const error_code& error, int reason) {
  return error.category() == asio::error::get_ssl_category() &&
         ERR_GET_REASON(static_cast<unsigned long>(error.value())) == reason;
}

// Why the handshake failed, where OpenSSL knows more than that it did; empty otherwise.
std::string tls_cause(SSL* session, const error_code& error, const std::string& host, const std::string& ca) {
  if (is_ssl(error, SSL_R_WRONG_VERSION_NUMBER)) return "it speaks no TLS; write http://?";
  if (!is_ssl(error, SSL_R_CERTIFICATE_VERIFY_FAILED)) return {};
  switch (const auto verdict = SSL_get_verify_result(session)) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:  // an authority of the same name
      return ca.empty() ? "its authority is not in the system's list; give it with --ca FILE"
                        : "its authority is not in " + ca;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "its certificate has expired";
    case X509_V_OK:  // only the name can be what is wrong
    case X509_V_ERR_UNSPECIFIED:
      return "its certificate is not for " + host;
    default:
      return std::string("its certificate is not accepted: ") + X509_verify_cert_error_string(verdict);
  }
}

using OnBytes = std::function<bool(unsigned, std::string_view)>;

template <typename Stream>
Step read_reply(asio::io_context& io, Stream& stream, unsigned& status, const OnBytes& bytes) {
  auto& socket = beast::get_lowest_layer(stream);
  beast::flat_buffer buffer;
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(boost::none);  // the callers bound what they keep
  socket.expires_after(kTimeout);
  auto error =
      await(io, [&](auto done) { http::async_read_header(stream, buffer, parser, std::move(done)); });
  if (error) return {"no answer", error};
  status = parser.get().result_int();
  std::array<char, 16384> piece;
  while (!parser.is_done()) {
    parser.get().body().data = piece.data();
    parser.get().body().size = piece.size();
    socket.expires_after(kTimeout);
    error = await(io, [&](auto done) { http::async_read_some(stream, buffer, parser, std::move(done)); });
    if (error && error != http::error::need_buffer) return {"the answer broke off", error};
    const auto size = piece.size() - parser.get().body().size;
    if (size > 0 && !bytes(status, {piece.data(), size})) return {};
  }
  return {};
}

template <typename Stream>
Step talk(asio::io_context& io, Stream& stream, http::request<http::string_body>& request, unsigned& status,
          const OnBytes& bytes) {
  beast::get_lowest_layer(stream).expires_after(kTimeout);
  if (const auto error = await(io, [&](auto done) { http::async_write(stream, request, std::move(done)); }))
    return {"cannot send", error};
  return read_reply(io, stream, status, bytes);
}

Step connect(asio::io_context& io, beast::tcp_stream& stream, const ApiAddress& address) {
  error_code error;
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(address.host, address.port, error);
  if (error) return {"the name cannot be resolved", error};
  stream.expires_after(kTimeout);
  error = await(io, [&](auto done) { stream.async_connect(found, std::move(done)); });
  return error ? Step{"cannot connect", error} : Step{};
}

Step secure(asio::io_context& io, beast::ssl_stream<beast::tcp_stream>& stream, const ApiAddress& address,
            const std::string& ca) {
  // The macro SSL_set_tlsext_host_name, without its cast.
  if (SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
               const_cast<char*>(address.host.c_str())) != 1)
    return {"cannot use TLS", error_code(EINVAL, boost::system::generic_category())};
  stream.set_verify_mode(asio::ssl::verify_peer);
  stream.set_verify_callback(asio::ssl::host_name_verification(address.host));
  beast::get_lowest_layer(stream).expires_after(kTimeout);
  const auto error =
      await(io, [&](auto done) { stream.async_handshake(asio::ssl::stream_base::client, std::move(done)); });
  if (!error) return {};
  return {"TLS failed", error, tls_cause(stream.native_handle(), error, address.host, ca)};
}

http::request<http::string_body> build(const ApiRequest& wanted, const ApiAddress& address,
                                       const std::string& token) {
  const auto verb = wanted.remove         ? http::verb::delete_
                    : wanted.json.empty() ? http::verb::get
                                          : http::verb::post;
  http::request<http::string_body> request{verb, wanted.path, 11};
  request.set(http::field::host, address.authority);
  request.set(http::field::user_agent, "fluxrig/" + std::string(rack::kVersion));
  request.set(http::field::accept, wanted.accept);
  request.set(http::field::connection, "close");
  if (!token.empty()) request.set(http::field::authorization, "Bearer " + token);
  if (!wanted.json.empty()) {
    request.set(http::field::content_type, "application/json");
    request.body() = wanted.json;
    request.prepare_payload();
  }
  return request;
}

}  // namespace

Outcome<unsigned> ApiClient::exchange(const ApiRequest& wanted, const OnBytes& bytes) const {
  unsigned status = 0;
  Step step;
  try {
    asio::io_context io;
    auto request = build(wanted, address_, token_);
    if (address_.tls) {
      asio::ssl::context context(asio::ssl::context::tls_client);
      error_code error;
      if (ca_file_.empty())
        context.set_default_verify_paths(error);
      else
        context.load_verify_file(ca_file_, error);
      if (error) return problem(fmt::format("--ca {}: {}", ca_file_, error.message()));
      beast::ssl_stream<beast::tcp_stream> stream(io, context);
      step = connect(io, beast::get_lowest_layer(stream), address_);
      if (step.what == nullptr) step = secure(io, stream, address_, printable(ca_file_));
      if (step.what == nullptr) step = talk(io, stream, request, status, bytes);
    } else {
      beast::tcp_stream stream(io);
      step = connect(io, stream, address_);
      if (step.what == nullptr) step = talk(io, stream, request, status, bytes);
    }
  } catch (const std::exception& error) {
    return problem(fmt::format("{}: {}", url_, error.what()));
  }
  if (step.what == nullptr) return status;
  const auto cause =
      fmt::format("{}: {}: {}", url_, step.what, step.cause.empty() ? step.error.message() : step.cause);
  if (status != 0 || !step.cause.empty()) return problem(cause);
  // A server that speaks TLS answers a plain request with an alert, or not at all.
  if (!address_.tls && step.error.category() == http::make_error_code(http::error::bad_method).category())
    return problem(cause + "; does the mixer speak https? Then write https://");
  return problem(cause + "; is the mixer running, and is this its address? --mixer URL names another");
}

}  // namespace fluxrig::client
