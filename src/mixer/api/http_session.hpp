// One connection of an HttpServer; private to the server's own files. Socket thread only, kept alive by its
// own pending operations.
#pragma once

#include <atomic>
#include <memory>

#include "mixer/api/byte_stream.hpp"
#include "mixer/api/http_server.hpp"
#include "mixer/api/worker_pool.hpp"

namespace fluxrig::mixer {

struct SessionParts {
  const HttpOptions& options;
  const HttpHandler& handler;
  WorkerPool& workers;
  std::atomic<std::size_t>& connections;  // the session counts itself out
};

void start_session(std::unique_ptr<ByteStream> stream, const SessionParts& parts);

}  // namespace fluxrig::mixer
