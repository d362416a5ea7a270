#include "otlp/export_connection.hpp"

#include <openssl/ssl.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <utility>

#include "otlp/export_tls.hpp"

namespace fluxrig::otlp {

namespace asio = boost::asio;
using boost::system::error_code;

ExportConnection::ExportConnection(asio::io_context& io, Url url, asio::ssl::context* tls)
    : url_(std::move(url)), resolver_(io), plain_(io) {
  if (tls != nullptr) secure_.emplace(io, *tls);
}

void ExportConnection::open(std::function<void(std::string)> opened) {
  opened_ = std::move(opened);
  resolver_.async_resolve(url_.host, std::to_string(url_.port),
                          [self = shared_from_this()](const error_code& error, const auto& found) {
                            if (!self->opened_) return;
                            if (error) return self->end("the name cannot be resolved: " + error.message());
                            self->connect(found);
                          });
}

void ExportConnection::connect(const Tcp::resolver::results_type& found) {
  asio::async_connect(socket(), found, [self = shared_from_this()](const error_code& error, const auto&) {
    if (!self->opened_) return;
    if (error) return self->end("cannot connect: " + error.message());
    error_code ignored;
    self->socket().set_option(Tcp::no_delay(true), ignored);
    if (self->secure_) return self->secure();
    self->end({});
  });
}

void ExportConnection::secure() {
  error_code not_an_address;
  (void)asio::ip::make_address(url_.host, not_an_address);
  // The macro SSL_set_tlsext_host_name, without its cast. An address is no server name (RFC 6066).
  if (not_an_address)
    SSL_ctrl(secure_->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(url_.host.c_str()));
  secure_->set_verify_callback(asio::ssl::host_name_verification(url_.host));
  secure_->async_handshake(asio::ssl::stream_base::client,
                           [self = shared_from_this()](const error_code& error) {
                             if (!self->opened_) return;
                             self->end(error ? handshake_failure(self->secure_->native_handle(), error) : "");
                           });
}

void ExportConnection::end(std::string why) {
  is_open_ = why.empty();
  std::exchange(opened_, nullptr)(std::move(why));
}

void ExportConnection::close() noexcept {
  opened_ = nullptr;
  is_open_ = false;
  error_code ignored;
  resolver_.cancel();
  socket().close(ignored);
}

ExportConnection::Peek ExportConnection::peek() {
  char byte = 0;
  error_code error;
  socket().non_blocking(true, error);
  if (error) return Peek::kEnd;
  const auto size = socket().receive(asio::buffer(&byte, 1), Tcp::socket::message_peek, error);
  if (error == asio::error::would_block) return Peek::kNothing;
  return error || size == 0 ? Peek::kEnd : Peek::kBytes;
}

bool ExportConnection::has_chosen(std::string_view protocol) {
  if (!secure_) return true;
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(secure_->native_handle(), &chosen, &size);
  return std::string_view(reinterpret_cast<const char*>(chosen), size) == protocol;
}

}  // namespace fluxrig::otlp
