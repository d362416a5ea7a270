#include "gear/net/http_connection.hpp"

#include <charconv>

#include "gear/net/http_response.hpp"
#include "gear/net/http_server.hpp"
#include "gear/net/http_server_names.hpp"
#include "gear/transaction.hpp"

namespace fluxrig::gear::net {
namespace {

int final_status(const Message& reply) noexcept {
  const auto text = reply.meta.get("http.response.status_code");
  if (text.empty()) return 200;
  int status = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), status);
  // A gear's answer that is no final status: ours to answer for.
  return parsed.ec == std::errc{} && status >= 200 && status <= 599 ? status : 500;
}

}  // namespace

HttpConnection::HttpConnection(HttpServer& server, std::uint32_t id, std::string peer_address)
    : server_(server), id_(id), peer_address_(std::move(peer_address)), reader_(server.options_.limits) {}

void HttpConnection::start(const Accepted& accepted) {
  Link::Setup setup;
  setup.io = &server_.services_->io();
  setup.user = this;
  setup.tls = server_.tls_;
  setup.max_buffer = server_.options_.limits.max_header + (64U << 10);
  link_ = Link::accept(setup, accepted);
}

void HttpConnection::stop() { link_->close(); }

void HttpConnection::drain() {
  last_ = last_ || reader_.state() == HttpRequestReader::State::kNothing;
  if (exchanges_.empty() && last_) link_->close_after_writing();
}

std::size_t HttpConnection::on_bytes(Link&, std::string_view bytes) {
  const auto keep = shared_from_this();
  if (last_) return bytes.size();
  const auto used = read(bytes);
  if (link_->open()) set_phase();
  return used;
}

std::size_t HttpConnection::read(std::string_view bytes) {
  using State = HttpRequestReader::State;
  std::size_t used = 0;
  while (!last_ && link_->open()) {
    if (exchanges_.size() >= kMaxPipelined || link_->unsent() > Link::kMuchOutput) {
      paused_ = true;
      link_->pause_reading();
      break;
    }
    const auto before = reader_.state();
    const auto taken = reader_.read(bytes.substr(used));
    used += taken;
    const auto state = reader_.state();
    if (state == State::kHeaderDone) {
      header_done();
    } else if (state == State::kDone) {
      dispatch(route_refusal_);
    } else if (state == State::kBad) {
      last_ = true;
      dispatch(reader_.refusal());
    } else if (taken == 0 && before == state) {
      break;  // more bytes are needed
    }
  }
  return last_ ? bytes.size() : used;
}

// Looks up the route before the body is read, so that a caller who asks first is told first.
void HttpConnection::header_done() {
  auto& request = reader_.request();
  const auto match = server_.match(request.method, request.path);
  route_ = match.route == nullptr ? -1 : static_cast<int>(match.index);
  route_refusal_ = {};
  if (match.route == nullptr) {
    route_refusal_ = match.path_known
                         ? HttpRefusal{405, {FailureCode::kNotFound, "the path does not take this method"}}
                         : HttpRefusal{404, {FailureCode::kNotFound, "no route has this path"}};
  }
  if (!request.expects_continue || request.version == 10) return;
  if (route_refusal_.status != 0) {
    // The body will not come, or comes unasked: either way the next request cannot be found.
    last_ = true;
    dispatch(route_refusal_);
  } else if (exchanges_.empty()) {
    link_->output().append("HTTP/1.1 100 Continue\r\n\r\n");
    link_->send();
  }
  // Behind an unanswered request the interim response would be read as that request's: the caller sends the
  // body when its wait is over (RFC 9110, 10.1.1).
}

void HttpConnection::dispatch(HttpRefusal refusal) {
  const auto& request = reader_.request();
  HttpExchange made;
  made.refusal = refusal;
  made.route = refusal.status == 0 ? route_ : -1;
  made.http_10 = request.version == 10;
  made.version = made.http_10 ? "1.0" : "1.1";
  made.head = request.method == "HEAD";
  made.keep_alive = !last_ && server_.options_.keep_alive && !server_.draining_ && reader_.keep_alive();
  if (refusal.status == 405) made.allow = server_.allowed(request.path);
  last_ = !made.keep_alive;
  const auto number = exchanges_.push(std::move(made));
  auto& exchange = *exchanges_.find(number);
  exchange.number = number;
  begin(exchange);
  route_ = -1;
  route_refusal_ = {};
  reader_.next();
}

void HttpConnection::begin(HttpExchange& exchange) {
  auto& request = reader_.request();
  const auto number = exchange.number;
  Arrival arrival;
  arrival.parent = request.trace.context();
  arrival.name = server_.names_->span(exchange.route, request.method);
  arrival.bytes = request.bytes;
  arrival.cookie = (std::uint64_t{id_} << 32) | number;
  arrival.baggage = request.trace.baggage();
  Message message;
  message.payload = std::move(request.body);
  message.meta.append("http.request.method", request.method);
  message.meta.append("url.path", request.path);
  if (exchange.route >= 0)
    message.meta.append("http.route", server_.options_.routes[static_cast<std::size_t>(exchange.route)].path);
  if (!request.content_type.empty()) message.meta.append("content-type", request.content_type);
  message.meta.append("client.address", peer_address_);
  const auto started = server_.services_->begin(server_, std::move(arrival), std::move(message));
  // The transaction may be over already, and the connection too.
  auto* still = exchanges_.find(number);
  if (still == nullptr || still->ready) return;
  if (!started) return refuse(*still, started.error());
  still->ticket = *started;
  still->begun = true;
}

void HttpConnection::refuse(HttpExchange& exchange, const Error& error) {
  Failure failure{FailureCode::kRefused, error.detail};
  int status = 503;
  if (exchange.refusal.status != 0) {
    status = exchange.refusal.status;
    failure = exchange.refusal.failure;
  }
  Message reply;
  reply.payload = problem_json(status, failure.reason, "");
  reply.meta.append("http.response.status_code", std::to_string(status));
  reply.meta.append("content-type", "application/problem+json");
  respond(exchange, reply, "");
}

void HttpConnection::respond(HttpExchange& exchange, const Message& reply, std::string_view flux_id) {
  const auto keep = shared_from_this();
  if (!link_->open() || exchange.ready) return;
  // What the caller has sent already is still answered: the last response says "close".
  const auto reading = reader_.state();
  const bool more = reading == HttpRequestReader::State::kHeader ||
                    reading == HttpRequestReader::State::kBody ||
                    exchanges_.find(exchange.number + 1) != nullptr;
  if (server_.draining_ && !more) {
    exchange.keep_alive = false;
    last_ = true;
  }
  HttpResponseHead head;
  head.status = final_status(reply);
  head.content_type = reply.meta.get("content-type");
  head.flux_id = flux_id;
  head.date = server_.date();
  head.allow = exchange.allow;
  if (head.status == 503)
    head.retry_after_s = static_cast<int>((server_.options_.retry_after.count() + 999) / 1000);
  head.keep_alive = exchange.keep_alive;
  head.http_10 = exchange.http_10;
  head.without_body = exchange.head;
  const bool is_first = &exchange == &exchanges_.front();
  append_response(is_first ? link_->output() : exchange.response, head, reply.payload);
  exchange.ready = true;
  if (is_first) finished(exchange);
}

// The oldest exchange is written: those behind it that are ready follow.
void HttpConnection::finished(HttpExchange& exchange) {
  bool close = !exchange.keep_alive;
  exchanges_.pop();
  while (!exchanges_.empty() && exchanges_.front().ready && !close) {
    link_->output().append(exchanges_.front().response);
    close = !exchanges_.front().keep_alive;
    exchanges_.pop();
  }
  if (close) return link_->close_after_writing();
  link_->send();
  if (paused_ && link_->unsent() <= Link::kMuchOutput) {
    paused_ = false;
    link_->resume_reading();
  }
  if (exchanges_.empty()) set_phase();
}

void HttpConnection::on_written(Link&) {
  const auto keep = shared_from_this();
  if (!paused_ || exchanges_.size() >= kMaxPipelined) return;
  paused_ = false;
  link_->resume_reading();
}

void HttpConnection::set_phase() {
  using State = HttpRequestReader::State;
  const auto state = reader_.state();
  auto phase = exchanges_.empty() ? Phase::kIdle : Phase::kAnswering;
  if (state == State::kHeader) phase = Phase::kHeader;
  if (state == State::kBody || state == State::kHeaderDone) phase = Phase::kBody;
  // An idle time begins anew with each response; the others are for the whole header, the whole body.
  if (phase == phase_ && phase != Phase::kIdle) return;
  phase_ = phase;
  const auto& options = server_.options_;
  if (phase == Phase::kAnswering) return link_->clear_deadline();
  if (phase == Phase::kIdle) return link_->set_deadline(options.idle_timeout);
  link_->set_deadline(phase == Phase::kHeader ? options.header_timeout : options.body_timeout);
}

void HttpConnection::on_deadline(Link&) {
  const auto keep = shared_from_this();
  if (phase_ == Phase::kIdle) return link_->close_after_writing();
  if (last_) return;
  last_ = true;
  dispatch({408,
            {FailureCode::kTimeout, phase_ == Phase::kHeader ? "the request header did not arrive in time"
                                                             : "the request body did not arrive in time"}});
}

void HttpConnection::on_closed(Link&, const Closed& closed) {
  const auto keep = shared_from_this();
  if (closed.reason == Closed::Reason::kTls) server_.services_->stray(server_, "the TLS handshake failed");
  exchanges_.for_each([this](HttpExchange& exchange) {
    if (exchange.begun && !exchange.ready) server_.services_->abandon(exchange.ticket);
  });
  server_.forget(id_);
}

}  // namespace fluxrig::gear::net
