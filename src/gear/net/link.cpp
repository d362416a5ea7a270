#include "gear/net/link.hpp"

#include <boost/asio/post.hpp>
#include <cstring>  // explicit_bzero

#include "gear/net/socket_link.hpp"

namespace fluxrig::gear::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

// A buffer that was never filled has no address.
void wipe(char* bytes, std::size_t size) noexcept {
  if (size > 0) ::explicit_bzero(bytes, size);
}
void wipe(std::string& text) noexcept { wipe(text.data(), text.size()); }

}  // namespace

SocketLink::~SocketLink() {
  wipe(buffer_.data(), buffer_.size());
  wipe(pending_);
  wipe(writing_);
}

// Not the vector's own: that would give the old bytes back as they are.
void SocketLink::resize_buffer(std::size_t size) {
  std::vector<char> larger(size);
  std::copy_n(buffer_.begin(), std::min(end_, size), larger.begin());
  wipe(buffer_.data(), end_);
  buffer_.swap(larger);
}

bool SocketLink::make_room() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (buffer_.size() > kUsualBuffer) std::vector<char>().swap(buffer_);
  }
  if (buffer_.empty()) resize_buffer(std::min(kFirstBuffer, max_buffer_));
  if (buffer_.size() - end_ >= kSmallestRead) return true;
  if (begin_ > 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    const auto rest = end_ - begin_;
    wipe(buffer_.data() + rest, begin_);
    end_ = rest;
    begin_ = 0;
  }
  if (buffer_.size() - end_ >= kSmallestRead) return true;
  if (buffer_.size() < max_buffer_) resize_buffer(std::min(max_buffer_, buffer_.size() * 2));
  return end_ < buffer_.size();
}

void SocketLink::read() {
  if (reading_ || closed_ || lingering_) return;
  // The user took less than it promised: ours or its error, and waiting would be for ever.
  if (!make_room()) return ended(Closed::Reason::kLost, "a message is larger than the buffer");
  reading_ = true;
  const auto room = asio::buffer(buffer_.data() + end_, buffer_.size() - end_);
  auto handler = [self = self()](const error_code& error, std::size_t size) { self->on_read(error, size); };
  if (tls_) {
    tls_->async_read_some(room, std::move(handler));
  } else {
    socket_.async_read_some(room, std::move(handler));
  }
}

void SocketLink::on_read(const error_code& error, std::size_t size) {
  reading_ = false;
  if (closed_ || lingering_) return;
  if (error) {
    if (finishing_) return;  // the peer said its last word; ours is still being written
    const bool in_order = error == asio::error::eof || error == asio::ssl::error::stream_truncated;
    // It may have closed only its own side: what was answered before goes out.
    if (in_order && unsent() > 0) return close_after_writing();
    return ended(in_order ? Closed::Reason::kPeer : Closed::Reason::kLost, error.message());
  }
  end_ += size;
  if (finishing_) {
    wipe(buffer_.data(), end_);
    begin_ = end_ = 0;  // discarded
    return read();
  }
  // A full buffer says that more was there: read more at once next time.
  const bool full = end_ == buffer_.size();
  deliver();
  if (closed_) return;
  if (full && buffer_.size() < std::min(kUsualBuffer, max_buffer_))
    resize_buffer(std::min({kUsualBuffer, max_buffer_, buffer_.size() * 2}));
  if (!paused_) read();
}

void SocketLink::deliver() {
  delivering_ = true;  // holds back send(): replies to all these bytes leave together
  const auto used = user_->on_bytes(*this, {buffer_.data() + begin_, end_ - begin_});
  delivering_ = false;
  if (closed_) return;
  const auto taken = std::min(used, end_ - begin_);
  wipe(buffer_.data() + begin_, taken);
  begin_ += taken;
  send();
}

void SocketLink::resume_reading() {
  if (!paused_ || closed_) return;
  paused_ = false;
  // Later, not here: the user is in the middle of something, and a reply to the bytes could come back to it.
  asio::post(io_, [self = self()] {
    if (self->closed_ || self->paused_ || !self->open_ || self->finishing_) return;
    if (self->begin_ < self->end_) self->deliver();
    if (!self->closed_ && !self->paused_) self->read();
  });
}

void SocketLink::send() {
  if (delivering_ || closed_ || !open_) return;
  if (unsent() > kMuchOutput) much_output_ = true;
  if (writing_.empty() && !pending_.empty()) {
    writing_.swap(pending_);
    written_ = 0;
    write();
  } else if (finishing_ && writing_.empty()) {
    finish_writing();
  }
}

void SocketLink::write() {
  stall_.set(kWriteTimeout);
  const auto rest = asio::buffer(writing_.data() + written_, writing_.size() - written_);
  auto handler = [self = self()](const error_code& error, std::size_t size) { self->on_write(error, size); };
  if (tls_) {
    tls_->async_write_some(rest, std::move(handler));
  } else {
    socket_.async_write_some(rest, std::move(handler));
  }
}

void SocketLink::on_write(const error_code& error, std::size_t size) {
  if (closed_) return;
  if (error) return ended(Closed::Reason::kLost, error.message());
  written_ += size;
  if (written_ < writing_.size()) return write();
  stall_.clear();
  wipe(writing_);
  writing_.clear();
  written_ = 0;
  if (writing_.capacity() > kMuchOutput) std::string().swap(writing_);
  send();
  if (much_output_ && unsent() < kMuchOutput && !closed_) {
    much_output_ = false;
    if (user_ != nullptr) user_->on_written(*this);
  }
}

void SocketLink::close_after_writing() {
  if (finishing_ || closed_) return;
  if (!open_) return ended(Closed::Reason::kFinished, "closed before it was open");
  finishing_ = true;
  deadline_.clear();
  send();
}

// Everything is written: say so to the peer, then wait for its end.
void SocketLink::finish_writing() {
  if (lingering_) return;
  lingering_ = true;
  stall_.set(kLinger);
  if (!tls_) return linger();
  tls_->async_shutdown([self = self()](const error_code&) {
    if (!self->closed_) self->linger();
  });
}

void SocketLink::linger() {
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  if (reading_) {  // let that read end first: the buffer is its own
    socket_.cancel(ignored);
  }
  auto discard = std::make_shared<std::vector<char>>(kFirstBuffer);
  auto step = [self = self(), discard](auto again) -> void {
    self->socket_.async_read_some(asio::buffer(*discard),
                                  [self, again](const error_code& error, std::size_t) {
                                    if (self->closed_) return;
                                    if (error) return self->ended(Closed::Reason::kFinished, "closed");
                                    again(again);
                                  });
  };
  step(step);
}

void SocketLink::on_deadline() {
  const auto keep = self();
  if (closed_) return;
  if (!open_) return ended(Closed::Reason::kConnect, "no connection in time");
  if (user_ != nullptr) user_->on_deadline(*this);
}

void SocketLink::on_stall() {
  const auto keep = self();
  if (lingering_) return ended(Closed::Reason::kFinished, "the peer did not close in time");
  ended(Closed::Reason::kStalled, "the peer does not read");
}

void SocketLink::ended(Closed::Reason reason, std::string message) {
  if (closed_) return;
  auto* user = user_;
  close();
  if (user != nullptr) user->on_closed(*this, {reason, std::move(message)});
}

void SocketLink::close() noexcept {
  if (closed_) return;
  closed_ = true;
  user_ = nullptr;
  deadline_.clear();
  stall_.clear();
  error_code ignored;
  if (resolver_) resolver_->cancel();
  socket_.close(ignored);
}

}  // namespace fluxrig::gear::net
