#include "otlp/grpc_message.hpp"

#include <cstdint>

#include "otlp/gzip.hpp"

namespace fluxrig::otlp {

std::string frame_grpc(std::string_view message, GrpcPacking packing) {
  std::string packed;
  if (packing == GrpcPacking::kGzip) {
    packed = gzip(message);
    message = packed;
  }
  const auto size = static_cast<std::uint32_t>(message.size());  // requests are far below 4 GiB
  std::string frame;
  frame.reserve(kGrpcPrefixBytes + message.size());
  frame += packing == GrpcPacking::kGzip ? '\1' : '\0';
  for (const unsigned shift : {24U, 16U, 8U, 0U}) frame += static_cast<char>(size >> shift & 0xffU);
  return frame.append(message);
}

std::optional<std::string_view> unframe_grpc(std::string_view body) noexcept {
  if (body.size() < kGrpcPrefixBytes || body[0] != '\0') return std::nullopt;
  std::uint32_t size = 0;
  for (std::size_t i = 1; i < kGrpcPrefixBytes; ++i) size = size << 8U | static_cast<unsigned char>(body[i]);
  body.remove_prefix(kGrpcPrefixBytes);
  if (body.size() != size) return std::nullopt;
  return body;
}

}  // namespace fluxrig::otlp
