#include "otlp/test_received.hpp"

#include <protozero/pbf_writer.hpp>

namespace fluxrig::otlp::received {

std::string in_protobuf(const std::string& span) {
  std::string scope;
  protozero::pbf_writer(scope).add_message(2, span);
  std::string resource;
  protozero::pbf_writer(resource).add_message(2, scope);
  std::string body;
  protozero::pbf_writer(body).add_message(1, resource);
  return body;
}
std::string span_bytes(const std::string& name) {
  std::string span;
  protozero::pbf_writer writer(span);
  writer.add_bytes(1, std::string(16, '\x11'));
  writer.add_bytes(2, std::string(8, '\x22'));
  writer.add_string(5, name);
  return span;
}

}  // namespace fluxrig::otlp::received
