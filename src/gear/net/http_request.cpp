#include "gear/net/http_request.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <optional>

namespace fluxrig::gear::net {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

std::string_view view(beast::string_view text) noexcept { return {text.data(), text.size()}; }

// The path of "/a?b", "http://host/a?b" and "*".
std::string_view path_of(std::string_view target) noexcept {
  if (!target.empty() && target.front() != '/') {
    if (const auto scheme = target.find("://"); scheme != std::string_view::npos) {
      const auto slash = target.find('/', scheme + 3);
      target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
    }
  }
  return target.substr(0, target.find_first_of("?#"));
}

void clear(HttpRequest& request) noexcept {
  // Capacity stays: the next request on the connection is much like this one.
  for (auto* text : {&request.method, &request.path, &request.content_type, &request.accept, &request.body})
    text->clear();
  request.trace.clear();
  request.hosts = 0;
  request.bytes = 0;
  request.expects_continue = request.expects_more = request.transfer_encoding = false;
}

struct Words {
  int status;
  FailureCode code;
  const char* reason;
};

Words words_of(const error_code& error) noexcept {
  if (error == http::error::header_limit)
    return {431, FailureCode::kOversize, "the request header is over the limit"};
  if (error == http::error::body_limit)
    return {413, FailureCode::kOversize, "the request body is over the limit"};
  if (error == http::error::bad_version)
    return {505, FailureCode::kMalformed, "the request is not HTTP/1.0 or HTTP/1.1"};
  if (error == http::error::bad_method || error == http::error::bad_target)
    return {400, FailureCode::kMalformed, "the request line is not HTTP/1.1"};
  if (error == http::error::bad_content_length || error == http::error::multiple_content_length)
    return {400, FailureCode::kMalformed, "the Content-Length is not usable"};
  if (error == http::error::bad_transfer_encoding)
    return {400, FailureCode::kMalformed, "the Transfer-Encoding is not usable"};
  if (error == http::error::bad_chunk || error == http::error::bad_chunk_extension)
    return {400, FailureCode::kMalformed, "the chunks of the request body are not well-formed"};
  return {400, FailureCode::kMalformed, "the request header is not well-formed"};
}

}  // namespace

class HttpRequestReader::Parser {
 public:
  explicit Parser(HttpRequest& request, const HttpLimits& limits) : request_(request), limits_(limits) {}

  // Beast's parser reads one message and cannot be set back: it is made anew in the same place.
  void next() {
    inner_.emplace(request_, limits_);
    inner_->header_limit(static_cast<std::uint32_t>(limits_.max_header));
    inner_->body_limit(limits_.max_body);
  }

  class Inner;
  [[nodiscard]] Inner& inner() noexcept { return *inner_; }

  class Inner final : public http::basic_parser<true> {
   public:
    Inner(HttpRequest& request, const HttpLimits& limits)
        : request_(request), header_left_(limits.max_header), keeps_accept_(limits.keeps_accept) {}

   private:
    void on_request_impl(http::verb, beast::string_view method, beast::string_view target, int version,
                         error_code& error) override {
      request_.method.assign(view(method));
      request_.path.assign(path_of(view(target)));
      request_.version = version;
      spend(method.size() + target.size(), error);
    }
    void on_response_impl(int, beast::string_view, int, error_code&) override {}
    void on_field_impl(http::field name, beast::string_view text, beast::string_view value,
                       error_code& error) override {
      spend(text.size() + value.size() + 4, error);
      if (in_trailer_) return;  // what was decided on the header stands
      switch (name) {
        case http::field::host:
          ++request_.hosts;
          break;
        case http::field::content_type:
          request_.content_type.assign(view(value));
          break;
        case http::field::accept:
          if (keeps_accept_) request_.accept.append(request_.accept.empty() ? "" : ",").append(view(value));
          break;
        case http::field::transfer_encoding:
          request_.transfer_encoding = true;
          break;
        case http::field::expect:
          (beast::iequals(value, "100-continue") ? request_.expects_continue : request_.expects_more) = true;
          break;
        default:
          request_.trace.take(view(text), view(value));
      }
    }
    void on_header_impl(error_code&) override { in_trailer_ = true; }
    void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
      if (length) request_.body.reserve(std::min<std::size_t>(*length, 64U << 10));
    }
    std::size_t on_body_impl(beast::string_view body, error_code&) override {
      request_.body.append(body.data(), body.size());
      return body.size();
    }
    void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, error_code& error) override {
      return on_body_impl(body, error);
    }
    void on_finish_impl(error_code&) override {}

    // Beast bounds what it holds at once; this bounds the whole.
    void spend(std::size_t bytes, error_code& error) {
      if (bytes > header_left_) {
        error = http::error::header_limit;
        return;
      }
      header_left_ -= bytes;
    }

    HttpRequest& request_;
    std::size_t header_left_;
    bool keeps_accept_;
    bool in_trailer_ = false;
  };

 private:
  HttpRequest& request_;
  HttpLimits limits_;
  std::optional<Inner> inner_;
};

HttpRequestReader::HttpRequestReader(HttpLimits limits)
    : limits_(limits), parser_(std::make_unique<Parser>(request_, limits)) {
  next();
}

HttpRequestReader::~HttpRequestReader() = default;

void HttpRequestReader::next() {
  clear(request_);
  refusal_ = {};
  state_ = State::kNothing;
  parser_->next();
}

bool HttpRequestReader::keep_alive() const noexcept { return parser_->inner().keep_alive(); }

void HttpRequestReader::refuse(int status, FailureCode code, const char* reason) noexcept {
  state_ = State::kBad;
  refusal_ = {status, {code, reason}};
}

std::size_t HttpRequestReader::read(std::string_view bytes) {
  auto& parser = parser_->inner();
  if (state_ == State::kHeaderDone) {
    state_ = parser.is_done() ? State::kDone : State::kBody;
    if (state_ == State::kDone) return 0;
  }
  if (bytes.empty() || state_ == State::kDone || state_ == State::kBad) return 0;
  if (state_ == State::kNothing) state_ = State::kHeader;
  const bool in_header = state_ == State::kHeader;
  std::size_t used = 0;
  error_code error;
  // Not eager: the parser stops after the header, so that the answer may depend on it.
  while (used < bytes.size() && !error) {
    used += parser.put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), error);
    if (parser.is_done() || (in_header && parser.is_header_done())) break;
  }
  request_.bytes += used;
  if (error && error != http::error::need_more) {
    const auto words = words_of(error);
    refuse(words.status, words.code, words.reason);
  } else if (in_header) {
    if (parser.is_header_done()) header_done();
  } else if (parser.is_done()) {
    state_ = State::kDone;
  }
  return used;
}

void HttpRequestReader::header_done() {
  state_ = State::kHeaderDone;
  if (request_.version == 11 && request_.hosts != 1)
    return refuse(400, FailureCode::kMalformed, "the request needs exactly one Host header");
  // A body whose end we and a proxy could see in different places.
  if (request_.transfer_encoding && (!parser_->inner().chunked() || request_.version == 10))
    return refuse(501, FailureCode::kMalformed, "the Transfer-Encoding is not supported");
  if (request_.expects_more) return refuse(417, FailureCode::kMalformed, "the expectation is not supported");
  const auto length = parser_->inner().content_length();
  if (length && *length > limits_.max_body)
    return refuse(413, FailureCode::kOversize, "the request body is over the limit");
}

}  // namespace fluxrig::gear::net
