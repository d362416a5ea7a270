// The messages of gRPC over HTTP/2: a byte that says whether it is compressed, four of length, and the
// message
// ("PROTOCOL-HTTP2", Length-Prefixed-Message). Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fluxrig::otlp {

inline constexpr std::size_t kGrpcPrefixBytes = 5;

enum class GrpcPacking : bool { kPlain, kGzip };
[[nodiscard]] std::string frame_grpc(std::string_view message, GrpcPacking packing);

// What the whole body of a unary answer holds; hostile bytes. nullopt: not exactly one message, or a
// compressed one, which nobody has asked for.
[[nodiscard]] std::optional<std::string_view> unframe_grpc(std::string_view body) noexcept;

}  // namespace fluxrig::otlp
