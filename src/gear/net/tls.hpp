// TLS 1.2 and 1.3 for connections, read from PEM files once at start. Boost and OpenSSL stay in the .cpp. One
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace fluxrig::gear::net {

struct TlsFiles {
  std::string certificate;  // PEM chain, the leaf first
  std::string key;
  std::string ca;      // whom to trust; server: empty asks no certificate of clients
  bool verify = true;  // client only
};

class TlsContext {
 public:
  // The problem names the file and what is wrong with it.
  [[nodiscard]] static Outcome<std::shared_ptr<TlsContext>> server(const TlsFiles& files);
  [[nodiscard]] static Outcome<std::shared_ptr<TlsContext>> client(const TlsFiles& files);

  enum class Side : std::uint8_t { kServer, kClient };
  explicit TlsContext(Side side);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  [[nodiscard]] ssl_ctx_st* handle() const noexcept { return handle_; }
  [[nodiscard]] bool is_server() const noexcept { return side_ == Side::kServer; }
  [[nodiscard]] bool verifies() const noexcept { return verifies_; }

 private:
  Side side_;
  ssl_ctx_st* handle_;  // owned
  bool verifies_ = false;
};

}  // namespace fluxrig::gear::net
