#include "gear/net/http_reply.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace fluxrig::gear::net {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

class HttpReplyReader::Parser final : public http::basic_parser<false> {
 public:
  explicit Parser(HttpReply& reply) : reply_(reply) {}

 private:
  static constexpr int kMaxFields = 256;

  void on_request_impl(http::verb, beast::string_view, beast::string_view, int, error_code&) override {}
  void on_response_impl(int code, beast::string_view, int, error_code&) override { reply_.status = code; }
  void on_field_impl(http::field name, beast::string_view, beast::string_view value,
                     error_code& error) override {
    if (++fields_ > kMaxFields) error = http::error::header_limit;
    if (name == http::field::content_type && !header_done_)
      reply_.content_type.assign(value.data(), value.size());
  }
  void on_header_impl(error_code&) override { header_done_ = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(beast::string_view body, error_code&) override {
    reply_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, error_code& error) override {
    return on_body_impl(body, error);
  }
  void on_finish_impl(error_code&) override {}

  HttpReply& reply_;
  int fields_ = 0;
  bool header_done_ = false;
};

HttpReplyReader::HttpReplyReader(std::size_t max_body) : max_body_(max_body) { next(Body::kExpected); }
HttpReplyReader::~HttpReplyReader() = default;

void HttpReplyReader::next(Body body) {
  body_ = body;
  state_ = State::kMore;
  begun_ = false;
  make_parser();
}

void HttpReplyReader::make_parser() {
  reply_ = {};
  parser_ = std::make_unique<Parser>(reply_);
  parser_->header_limit(16U << 10);
  parser_->body_limit(max_body_);
  parser_->eager(true);
  parser_->skip(body_ == Body::kNone);
}

bool HttpReplyReader::keep_alive() const noexcept { return parser_->keep_alive(); }

std::size_t HttpReplyReader::read(std::string_view bytes) {
  std::size_t used = 0;
  begun_ = begun_ || !bytes.empty();
  while (used < bytes.size() && state_ == State::kMore) {
    error_code error;
    const auto taken =
        parser_->put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), error);
    used += taken;
    if (error && error != http::error::need_more) {
      state_ = State::kBad;
    } else if (parser_->is_done()) {
      // An interim response comes before the final one; 101 would end HTTP, and was not asked for.
      if (reply_.status == 101) {
        state_ = State::kBad;
      } else if (reply_.status < 200) {
        make_parser();
      } else {
        state_ = State::kDone;
      }
    } else if (error || taken == 0) {
      break;
    }
  }
  return used;
}

void HttpReplyReader::end() {
  if (state_ != State::kMore) return;
  error_code error;
  if (parser_->got_some()) parser_->put_eof(error);
  state_ = parser_->got_some() && !error && parser_->is_done() ? State::kDone : State::kBad;
}

}  // namespace fluxrig::gear::net
