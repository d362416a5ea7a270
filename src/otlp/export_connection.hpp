// One connection to a back end, with or without TLS: looked up, opened, and from then on a stream. Includes
// Boost: private to the module. All calls on the thread that runs `io`.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "otlp/settings.hpp"

namespace fluxrig::otlp {

// Shared because handlers of operations that were broken off come late: they hold it, and find it closed.
class ExportConnection final : public std::enable_shared_from_this<ExportConnection> {
 public:
  // `tls`, nullptr for none, is used during the call only.
  ExportConnection(boost::asio::io_context& io, Url url, boost::asio::ssl::context* tls);

  // Calls `opened` once and later, with why it could not be opened, or nothing. Once.
  void open(std::function<void(std::string why)> opened);
  // What is under way ends with an error; `opened` is not called any more.
  void close() noexcept;
  [[nodiscard]] bool is_open() const noexcept { return is_open_; }

  // The peer has sent nothing that nobody has read, and has not closed.
  [[nodiscard]] bool is_quiet() { return peek() == Peek::kNothing; }
  // The peer has closed, or the connection is broken.
  [[nodiscard]] bool has_ended() { return peek() == Peek::kEnd; }
  // Whether the peer has chosen this protocol in the handshake (ALPN); without TLS there is nothing to
  // choose.
  [[nodiscard]] bool has_chosen(std::string_view protocol);

  // Calls `use` with the stream, whichever it is.
  template <typename Use>
  void on_stream(Use use) {
    if (secure_)
      use(*secure_);
    else
      use(plain_);
  }

 private:
  using Tcp = boost::asio::ip::tcp;
  enum class Peek : std::uint8_t { kNothing, kBytes, kEnd };

  Tcp::socket& socket() { return secure_ ? secure_->next_layer() : plain_; }
  [[nodiscard]] Peek peek();
  void connect(const Tcp::resolver::results_type& found);
  void secure();
  void end(std::string why);

  const Url url_;
  Tcp::resolver resolver_;
  Tcp::socket plain_;
  std::optional<boost::asio::ssl::stream<Tcp::socket>> secure_;
  bool is_open_ = false;
  std::function<void(std::string)> opened_;  // null: nobody waits
};

}  // namespace fluxrig::otlp
