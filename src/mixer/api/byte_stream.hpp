// An accepted connection as bytes in and out, with or without TLS, behind one interface: so that what speaks
// HTTP is compiled once, and without either. Socket thread only; an operation's buffer and whoever waits for
// it outlive it. After close() what is pending ends with an error.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>
#include <functional>
#include <memory>

namespace fluxrig::mixer {

class ByteStream {
 public:
  using Done = std::function<void(boost::system::error_code, std::size_t)>;

  ByteStream() = default;
  virtual ~ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  // Once, before the first byte.
  virtual void handshake(Done done) = 0;
  virtual void read_some(boost::asio::mutable_buffer into, Done done) = 0;
  virtual void write(boost::asio::const_buffer bytes, Done done) = 0;  // all of them
  virtual void close() noexcept = 0;
  [[nodiscard]] virtual boost::asio::any_io_executor executor() = 0;
};

[[nodiscard]] std::unique_ptr<ByteStream> make_plain_stream(boost::asio::ip::tcp::socket socket);
// `tls` outlives it.
[[nodiscard]] std::unique_ptr<ByteStream> make_tls_stream(boost::asio::ip::tcp::socket socket,
                                                          boost::asio::ssl::context& tls);

}  // namespace fluxrig::mixer
