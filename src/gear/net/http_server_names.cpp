#include "gear/net/http_server_names.hpp"

#include <fmt/format.h>

namespace fluxrig::gear::net {

HttpServer::Names::Names(tap::Names& names, const std::vector<HttpRoute>& route_list) : methods_(names) {
  const auto keep = sanitize::Action::kKeep;
  method = names.field("http.request.method", keep);
  route = names.field("http.route", keep);
  status = names.field("http.response.status_code", keep);
  scheme = names.field("url.scheme", keep);
  version = names.field("network.protocol.version", keep);
  port = names.field("server.port", keep);
  client = names.field("client.address", keep);
  for (const auto& entry : route_list) {
    auto& spans = route_spans_.emplace_back();
    if (!entry.name.empty()) {
      spans.emplace_back("", names.name(entry.name));
    } else if (!entry.method.empty()) {
      spans.emplace_back("", names.name(fmt::format("{} {}", entry.method, entry.path)));
    } else {
      for (const auto known : kHttpMethods)
        spans.emplace_back(known, names.name(fmt::format("{} {}", known, entry.path)));
      spans.emplace_back("", names.name(fmt::format("HTTP {}", entry.path)));
    }
  }
}

tap::NameId HttpServer::Names::span(int at, std::string_view method_sent) const noexcept {
  if (at >= 0)
    for (const auto& [name, id] : route_spans_[static_cast<std::size_t>(at)])
      if (name.empty() || name == method_sent) return id;
  return methods_.span(method_sent);
}

}  // namespace fluxrig::gear::net
