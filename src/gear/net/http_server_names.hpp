// The static names that http_server writes into telemetry, interned once at start. One thread.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "gear/net/http_method_names.hpp"
#include "gear/net/http_server.hpp"
#include "tap/names.hpp"

namespace fluxrig::gear::net {

struct HttpServer::Names {
  Names(tap::Names& names, const std::vector<HttpRoute>& route_list);

  // Of the route, or of the bare method when it is a known one: low cardinality, whatever is sent.
  [[nodiscard]] tap::NameId span(int route, std::string_view method_sent) const noexcept;

  tap::FieldId method;
  tap::FieldId route;
  tap::FieldId status;
  tap::FieldId scheme;
  tap::FieldId version;
  tap::FieldId port;
  tap::FieldId client;

 private:
  using Span = std::pair<std::string_view, tap::NameId>;
  std::vector<std::vector<Span>> route_spans_;  // by route: one, or one a method
  HttpMethodNames methods_;
};

}  // namespace fluxrig::gear::net
