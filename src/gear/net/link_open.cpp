#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>

#include "gear/net/socket_link.hpp"

namespace fluxrig::gear::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

void SocketLink::start_accepted(const Accepted& accepted) {
  error_code error;
  socket_.assign(accepted.ip6 ? tcp::v6() : tcp::v4(), accepted.socket, error);
  connected();
}

void SocketLink::start_connecting(const ConnectTo& to) {
  server_name_ = to.host;
  deadline_.set(to.timeout);
  error_code error;
  const auto address = asio::ip::make_address(to.host, error);
  if (!error) {
    // No thread for a resolver when there is nothing to resolve.
    return connect(tcp::resolver::results_type::create(tcp::endpoint(address, to.port), to.host, ""));
  }
  resolver_ = std::make_unique<tcp::resolver>(io_);
  resolver_->async_resolve(
      to.host, std::to_string(to.port), tcp::resolver::numeric_service,
      [self = self()](const error_code& failed, const tcp::resolver::results_type& found) {
        if (self->closed_) return;
        if (failed) return self->ended(Closed::Reason::kConnect, failed.message());
        self->connect(found);
      });
}

void SocketLink::connect(const tcp::resolver::results_type& addresses) {
  asio::async_connect(socket_, addresses, [self = self()](const error_code& error, const tcp::endpoint&) {
    if (self->closed_) return;
    if (error) return self->ended(Closed::Reason::kConnect, error.message());
    self->connected();
  });
}

void SocketLink::connected() {
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  if (!context_) {
    // Not from within accept() and connect(): the user does not have the pointer yet.
    asio::post(io_, [self = self()] { self->opened(); });
    return;
  }
  asio::post(io_, [self = self()] { self->handshake(); });
}

void SocketLink::handshake() {
  if (closed_) return;
  const bool server = context_->is_server();
  tls_.emplace(socket_, *ssl_context_);
  auto* ssl = tls_->native_handle();
  if (!server) {
    error_code not_an_address;
    asio::ip::make_address(server_name_, not_an_address);
    // Server names are names: RFC 6066 forbids addresses there. Certificates may hold either.
    if (not_an_address)
      SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, server_name_.data());
    if (context_->verifies()) {
      if (not_an_address) {
        SSL_set1_host(ssl, server_name_.c_str());
      } else {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server_name_.c_str());
      }
    }
  }
  deadline_.set(kHandshakeTimeout);
  tls_->async_handshake(server ? asio::ssl::stream_base::server : asio::ssl::stream_base::client,
                        [self = self()](const error_code& error) {
                          if (self->closed_) return;
                          if (error) return self->ended(Closed::Reason::kTls, self->tls_words(error));
                          self->opened();
                        });
}

std::string SocketLink::tls_words(const error_code& error) {
  const auto verified = SSL_get_verify_result(tls_->native_handle());
  if (verified != X509_V_OK) return X509_verify_cert_error_string(verified);
  return error.message();
}

void SocketLink::opened() {
  if (closed_) return;
  deadline_.clear();
  open_ = true;
  if (user_ != nullptr) user_->on_open(*this);
  if (!closed_ && !paused_) read();
}

std::shared_ptr<Link> Link::accept(const Setup& setup, const Accepted& accepted) {
  auto link = std::make_shared<SocketLink>(setup);
  link->start_accepted(accepted);
  return link;
}

std::shared_ptr<Link> Link::connect(const Setup& setup, const ConnectTo& to) {
  auto link = std::make_shared<SocketLink>(setup);
  link->start_connecting(to);
  return link;
}

}  // namespace fluxrig::gear::net
