#include "rack/monitor.hpp"

#include "gear/net/http_request.hpp"
#include "gear/net/http_response.hpp"

namespace fluxrig::rack {

using gear::net::HttpRequestReader;
using gear::net::Link;

namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";

// Reached from elsewhere, it shows names and counts to whoever asks: that should be meant so.
bool is_loopback(const std::string& host) {
  return host.starts_with("127.") || host == "::1" || host == "localhost";
}

}  // namespace

// One connection. Its requests are answered at once, in their order.
class Monitor::Caller final : public gear::net::LinkUser, public std::enable_shared_from_this<Caller> {
 public:
  Caller(Monitor& monitor, std::uint64_t id)
      : monitor_(monitor),
        id_(id),
        reader_({.max_header = kMaxHeader, .max_body = 0, .keeps_accept = true}) {}

  void start(const gear::net::Accepted& accepted) {
    Link::Setup setup;
    setup.io = &monitor_.parts_.io;
    setup.user = this;
    link_ = Link::accept(setup, accepted);
    link_->set_deadline(kRequestPatience);
  }
  void stop() { link_->close(); }

  std::size_t on_bytes(Link&, std::string_view bytes) override {
    const auto keep = shared_from_this();
    std::size_t used = 0;
    while (!last_ && link_->open()) {
      if (link_->unsent() > Link::kMuchOutput) {  // many requests at once, whose answers nobody reads
        link_->pause_reading();
        return used;
      }
      const auto before = reader_.state();
      const auto taken = reader_.read(bytes.substr(used));
      used += taken;
      const auto state = reader_.state();
      if (before == HttpRequestReader::State::kNothing && state != before)
        link_->set_deadline(kRequestPatience);
      if (state == HttpRequestReader::State::kDone)
        respond(monitor_.answer(reader_.request()), reader_.keep_alive());
      else if (state == HttpRequestReader::State::kBad)
        respond({reader_.refusal().status, kText, std::string(reader_.refusal().failure.reason) + "\n", {}},
                false);
      else if (taken == 0 && before == state)
        break;  // more bytes are needed
    }
    return last_ ? bytes.size() : used;
  }
  void on_deadline(Link&) override {
    const auto keep = shared_from_this();
    link_->close();
    monitor_.callers_.erase(id_);
  }
  void on_written(Link&) override { link_->resume_reading(); }
  void on_closed(Link&, const gear::net::Closed&) override {
    const auto keep = shared_from_this();
    monitor_.callers_.erase(id_);
  }

 private:
  void respond(const Answer& answer, bool keep_alive) {
    gear::net::HttpResponseHead head;
    head.status = answer.status;
    head.content_type = answer.content_type;
    head.allow = answer.allow;
    head.keep_alive = keep_alive;
    head.http_10 = reader_.request().version == 10;
    head.without_body = reader_.request().method == "HEAD";
    append_response(link_->output(), head, answer.body);
    if (!keep_alive) {
      last_ = true;
      return link_->close_after_writing();
    }
    link_->set_deadline(kIdlePatience);
    link_->send();
    reader_.next();
  }

  Monitor& monitor_;
  std::uint64_t id_;
  HttpRequestReader reader_;
  std::shared_ptr<Link> link_;
  bool last_ = false;
};

Monitor::Monitor(Parts parts)
    : parts_(std::move(parts)),
      listener_(
          parts_.io, [this](const gear::net::Accepted& accepted) { on_accept(accepted); },
          [this](const std::string& words) {
            parts_.diagnostics.warn("rack.monitor", "cannot accept connections", {{"cause", words}});
          }) {}

Monitor::~Monitor() {
  listener_.close();
  for (const auto& [id, caller] : callers_) caller->stop();
}

Outcome<void> Monitor::open(const gear::Endpoint& endpoint) {
  if (auto opened = listener_.open(endpoint); !opened)
    return problem("monitor.listen: " + opened.error().message);
  parts_.diagnostics.info("rack.monitor", "listening", {{"port", std::to_string(port())}});
  if (!is_loopback(endpoint.host))
    parts_.diagnostics.warn("rack.monitor",
                            "whoever reaches this address may read the rack's metrics: let that be operators",
                            {{"host", endpoint.host.empty() ? "*" : endpoint.host}});
  return {};
}

void Monitor::on_accept(const gear::net::Accepted& accepted) {
  if (callers_.size() >= kMaxCallers) {  // the peer reads the end of the connection
    Link::Setup setup;
    setup.io = &parts_.io;
    return Link::accept(setup, accepted)->close();
  }
  const auto id = ++last_caller_;
  const auto caller = std::make_shared<Caller>(*this, id);
  callers_.emplace(id, caller);
  caller->start(accepted);
}

Monitor::Answer Monitor::answer(const gear::net::HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") return {405, kText, "use GET\n", "GET, HEAD"};
  if (request.path == "/livez") return {200, kText, "ok\n", {}};
  if (request.path == "/readyz") {
    const auto reason = parts_.why_not_ready();
    if (reason.empty()) return {200, kText, "ready\n", {}};
    return {503, kText, "not ready: " + reason + "\n", {}};
  }
  if (request.path != "/metrics") return {404, kText, "there are /metrics, /livez and /readyz\n", {}};
  const auto format = otlp::metric_text_of(request.accept);
  return {200, otlp::content_type(format), metrics(format), {}};
}

const std::string& Monitor::metrics(otlp::MetricText format) {
  auto& rendered = rendered_[static_cast<std::size_t>(format)];
  if (auto points = parts_.page.shown(); points != rendered.points) {
    rendered.text = otlp::render_metrics(*points, format);
    rendered.points = std::move(points);
  }
  return rendered.text;
}

}  // namespace fluxrig::rack
