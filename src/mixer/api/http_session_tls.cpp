#include "mixer/api/http_session_of.hpp"

namespace fluxrig::mixer {

void start_tls_session(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context& tls,
                       const SessionParts& parts) {
  using Stream = boost::beast::ssl_stream<boost::beast::tcp_stream>;
  std::make_shared<session::Session<Stream>>(parts, std::move(socket), tls)->begin();
}

}  // namespace fluxrig::mixer
