// What an HttpServer serves: the API, or the receiver of services' telemetry. Any thread; outlives its
// server.
#pragma once

#include <optional>
#include <string_view>

#include "mixer/api/message.hpp"

namespace fluxrig::mixer {

class HttpHandler {
 public:
  HttpHandler() = default;
  virtual ~HttpHandler() = default;
  HttpHandler(const HttpHandler&) = delete;
  HttpHandler& operator=(const HttpHandler&) = delete;

  // On the socket's thread: what needs no wait. nullopt: call handle().
  [[nodiscard]] virtual std::optional<ApiResponse> quick(const ApiRequest& request) const = 0;
  // On a worker's thread; may take a while, which is bounded.
  [[nodiscard]] virtual ApiResponse handle(const ApiRequest& request) const = 0;
  // What the server itself refuses (413, 431, 400, 503). `content_type` is the request's, empty where its
  // header was not read.
  [[nodiscard]] virtual ApiResponse refuse(unsigned status, std::string_view detail,
                                           std::string_view content_type) const {
    (void)content_type;
    return problem_response(status, detail);
  }
};

}  // namespace fluxrig::mixer
