#include "mixer/api/http_session_of.hpp"

namespace fluxrig::mixer {

void start_plain_session(boost::asio::ip::tcp::socket socket, const SessionParts& parts) {
  std::make_shared<session::Session<boost::beast::tcp_stream>>(parts, std::move(socket))->begin();
}

}  // namespace fluxrig::mixer
