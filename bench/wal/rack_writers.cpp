// The two ways to have many writers on one audit lane.
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <mutex>
#include <thread>

#include "bench/wal/rack_lane.hpp"
#include "rack/io_loop.hpp"

namespace fluxrig::bench {
namespace {

using Time = Window::Time;
constexpr auto kParkRetry = std::chrono::milliseconds(1);  // as in rack::Runtime

// Writers as the transactions of a rack: one thread, which is told by post() how far the disk has come, as
// rack::Runtime is.
class Transactions {
 public:
  explicit Transactions(const Load& load)
      : load_(load),
        writers_(load.writers),
        work_(boost::asio::make_work_guard(io_)),
        lane_(load, [this](tap::RingPosition position) { publish(position); }),
        window_(load) {}

  Measured run() {
    measured_.latencies_ns.reserve(1U << 20);
    for (auto& writer : writers_) begin(writer);
    rack::IoLoop(io_, clock_, [this] { return awaiting_.size(); }).run();
    measured_.seconds = window_.seconds();
    return std::move(measured_);
  }

 private:
  struct Writer {
    tap::Draft draft;
    tap::RingPosition position;
    Time started;
  };

  void begin(Writer& writer) {
    writer.started = std::chrono::steady_clock::now();
    if (window_.over(writer.started)) {
      if (++ended_ == writers_.size()) work_.reset();
      return;
    }
    lane_.payment().fill(writer.draft, ++number_);
    if (lane_.write(writer.draft, writer.position)) {
      written(writer);
    } else {
      parked_.push_back(&writer);
      retry();
    }
  }

  void written(Writer& writer) {
    if (load_.commit) {
      awaiting_.push_back(&writer);
      return;
    }
    window_.count(writer.started, std::chrono::steady_clock::now(), measured_.latencies_ns);
    boost::asio::post(io_, [this, &writer] { begin(writer); });
  }

  // As rack::Runtime does when nothing else wakes it.
  void retry() {
    if (retrying_) return;
    retrying_ = true;
    retry_.expires_after(kParkRetry);
    retry_.async_wait([this](const boost::system::error_code&) {
      retrying_ = false;
      while (!parked_.empty() && lane_.write(parked_.front()->draft, parked_.front()->position)) {
        Writer& writer = *parked_.front();
        parked_.pop_front();
        written(writer);
      }
      if (!parked_.empty()) retry();
    });
  }

  void publish(tap::RingPosition position) {
    durable_.store(position.value, std::memory_order_release);
    if (!load_.commit || posted_.exchange(true, std::memory_order_acq_rel)) return;
    boost::asio::post(io_, [this] { release(); });
  }

  void release() {
    posted_.exchange(false, std::memory_order_acq_rel);
    const tap::RingPosition durable{durable_.load(std::memory_order_acquire)};
    const Time now = std::chrono::steady_clock::now();
    while (!awaiting_.empty() && awaiting_.front()->position <= durable) {
      Writer& writer = *awaiting_.front();
      awaiting_.pop_front();
      window_.count(writer.started, now, measured_.latencies_ns);
      begin(writer);
    }
  }

  SystemClock clock_;
  const Load& load_;
  std::vector<Writer> writers_;
  std::deque<Writer*> awaiting_;
  std::deque<Writer*> parked_;
  std::size_t ended_ = 0;
  std::uint64_t number_ = 0;
  Measured measured_;
  std::atomic<std::uint64_t> durable_{0};
  std::atomic<bool> posted_{false};
  boost::asio::io_context io_{1};
  boost::asio::steady_timer retry_{io_};
  bool retrying_ = false;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  RackLane lane_;
  Window window_;
};

}  // namespace

Measured run_rack(const Load& load) { return Transactions(load).run(); }

Measured run_rack_threads(const Load& load) {
  std::atomic<std::uint64_t> durable{0};
  std::mutex mutex;  // guards the ring's producer side
  RackLane lane(load, [&](tap::RingPosition position) {
    durable.store(position.value, std::memory_order_release);
    durable.notify_all();
  });
  return run_threads(load, [&](unsigned) -> Append {
    return [&, draft = std::make_shared<tap::Draft>(), number = std::uint64_t{0}]() mutable {
      lane.payment().fill(*draft, ++number);
      tap::RingPosition position;
      for (bool written = false; !written;) {
        const std::lock_guard lock(mutex);
        written = lane.write(*draft, position);
      }
      if (!load.commit) return;
      for (auto seen = durable.load(std::memory_order_acquire); seen < position.value;
           seen = durable.load(std::memory_order_acquire))
        durable.wait(seen, std::memory_order_acquire);
    };
  });
}

}  // namespace fluxrig::bench
