// One connection of the API; private to the server's own files. Socket thread only, kept alive by its own
// pending operations.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "mixer/api/http_server.hpp"
#include "mixer/api/worker_pool.hpp"

namespace fluxrig::mixer {

struct SessionParts {
  const HttpOptions& options;
  const Api& api;
  WorkerPool& workers;
  std::atomic<std::size_t>& connections;  // the session counts itself out
};

void start_plain_session(boost::asio::ip::tcp::socket socket, const SessionParts& parts);
void start_tls_session(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context& tls,
                       const SessionParts& parts);

}  // namespace fluxrig::mixer
