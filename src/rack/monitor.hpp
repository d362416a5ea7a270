// The rack's own listener: GET /metrics (the text format 0.0.4, or OpenMetrics with exemplars, by the Accept
// header), /livez and /readyz. Off unless the scenario says where. Whoever reaches the address may ask; what
// it shows has passed the sanitiser, and nothing of a request is ever shown. Bounded: kMaxCallers
// connections, requests without bodies. One thread (the io thread); idle it costs a socket.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/diagnostics.hpp"
#include "base/result.hpp"
#include "gear/net/listener.hpp"
#include "rack/metric_page.hpp"

namespace fluxrig::gear::net {
struct HttpRequest;
}

namespace fluxrig::rack {

class Monitor {
 public:
  static constexpr std::size_t kMaxCallers = 16;
  static constexpr std::size_t kMaxHeader = 8U << 10;
  static constexpr std::chrono::seconds kRequestPatience{5};
  static constexpr std::chrono::seconds kIdlePatience{90};  // longer than most ask between two scrapes

  struct Parts {  // all outlive this
    boost::asio::io_context& io;
    const MetricPage& page;
    Diagnostics& diagnostics;
    std::function<std::string()> why_not_ready;  // empty text: it is
  };
  explicit Monitor(Parts parts);
  ~Monitor();  // closes every connection
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  // The problem names the address, the cause and the next step.
  [[nodiscard]] Outcome<void> open(const gear::Endpoint& endpoint);
  [[nodiscard]] std::uint16_t port() const noexcept { return listener_.port(); }
  [[nodiscard]] std::size_t callers() const noexcept { return callers_.size(); }

 private:
  class Caller;
  struct Answer {
    int status = 200;
    std::string_view content_type;
    std::string body;
    std::string_view allow;
  };
  // A scrape asks for what the last one has seen, unless there was an emission since.
  struct Rendered {
    std::shared_ptr<const MetricPage::Points> points;
    std::string text;
  };

  [[nodiscard]] Answer answer(const gear::net::HttpRequest& request);
  [[nodiscard]] const std::string& metrics(otlp::MetricText format);
  void on_accept(const gear::net::Accepted& accepted);

  Parts parts_;
  std::array<Rendered, 2> rendered_;                          // by MetricText
  std::map<std::uint64_t, std::shared_ptr<Caller>> callers_;  // shared with calls from their links
  std::uint64_t last_caller_ = 0;
  gear::net::Listener listener_;
};

}  // namespace fluxrig::rack
