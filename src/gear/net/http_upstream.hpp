// One pooled connection of http_client, with at most one request on it. Connects when there is something to
// send. One thread. Owned by its HttpClient; let go by stop().
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "gear/net/http_client.hpp"
#include "gear/net/http_reply.hpp"
#include "gear/net/link.hpp"

namespace fluxrig::gear::net {

class HttpUpstream final : public LinkUser {
 public:
  explicit HttpUpstream(HttpClient& client) : client_(client), reader_(client.options_.max_body) {}
  ~HttpUpstream() override { stop(); }

  [[nodiscard]] bool busy() const noexcept { return call_.has_value(); }
  [[nodiscard]] bool connected() const noexcept { return link_ != nullptr && link_->open(); }
  void send(HttpCall call);
  void stop() noexcept;

  void on_open(Link& link) override;
  std::size_t on_bytes(Link& link, std::string_view bytes) override;
  void on_deadline(Link& link) override;
  void on_closed(Link& link, const Closed& closed) override;

 private:
  void connect();
  void write();
  void answered();
  void failed(Failure failure);
  void drop() noexcept;

  HttpClient& client_;
  HttpReplyReader reader_;
  std::shared_ptr<Link> link_;
  std::optional<HttpCall> call_;
  bool reused_ = false;  // the call went out on a connection that had served before
};

}  // namespace fluxrig::gear::net
