#include "otlp/exporter.hpp"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <thread>

#include "base/random.hpp"
#include "base/thread_priority.hpp"
#include "otlp/export_grpc.hpp"
#include "otlp/export_http.hpp"
#include "otlp/export_sender.hpp"
#include "otlp/grpc_message.hpp"
#include "otlp/gzip.hpp"

namespace fluxrig::otlp {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

struct Lane {
  Lane(asio::io_context& io, std::size_t queue_bytes, Protocol answers)
      : queue(queue_bytes, counters), protocol(answers), timer(io) {}

  ExportCounters counters;
  ExportQueue queue;
  const Protocol protocol;
  asio::steady_timer timer;  // until the next attempt
  // Set by who posts a turn, taken back by the turn before it looks at the queue.
  std::atomic<bool> posted{false};
  std::unique_ptr<ExportTransport> transport;
  std::unique_ptr<ExportSender> sender;  // before its transport is gone
};

std::function<std::string(std::string)> packing_of(const ExportTarget& target) {
  const bool is_zipped = target.compression == Compression::kGzip;
  if (target.protocol == Protocol::kGrpc)
    return [packing = is_zipped ? GrpcPacking::kGzip : GrpcPacking::kPlain](const std::string& body) {
      return frame_grpc(body, packing);
    };
  if (is_zipped) return [](const std::string& body) { return gzip(body); };
  return {};
}

}  // namespace

struct Exporter::Impl {
  Impl(const ExportSettings& settings, const Clock& time, Diagnostics& lines)
      : flush_ms(settings.flush_ms),
        clock(time),
        diagnostics(lines),
        flush_timer(io),
        work(io.get_executor()) {}

  const std::uint32_t flush_ms;
  const Clock& clock;
  Diagnostics& diagnostics;
  SeededRandom random = SeededRandom::from_system();
  asio::io_context io{1};
  asio::steady_timer flush_timer;
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::array<std::unique_ptr<Lane>, kAllSignals.size()> lanes;
  bool flushing = false;  // the exporter's thread
  std::thread thread;

  Outcome<void> add_lane(Signal signal, const ExportTarget& target, const ExportSettings& settings,
                         std::string_view version);
  void post_turn(Lane& lane);
  void turn(Lane& lane);
  void begin_flush();
  void end_when_idle();
  void stop_all();
};

Outcome<void> Exporter::Impl::add_lane(Signal signal, const ExportTarget& target,
                                       const ExportSettings& settings, std::string_view version) {
  auto lane = std::make_unique<Lane>(io, settings.queue_bytes, target.protocol);
  const auto user_agent = fmt::format("OTel-OTLP-Exporter-fluxrig/{}", version);
  const bool is_grpc = target.protocol == Protocol::kGrpc;
  auto transport = is_grpc ? make_grpc_transport(io, {signal, target, user_agent})
                           : make_http_transport(io, clock, {target, user_agent});
  if (!transport)
    return problem(fmt::format("export of {}: {}", otlp_name_of(signal), transport.error().message));
  lane->transport = std::move(*transport);
  ExportSender::Options options{signal, target.protocol, settings.backoff, {}};
  options.pack = packing_of(target);
  lane->sender = std::make_unique<ExportSender>(
      ExportSender::Parts{lane->queue, *lane->transport, lane->counters, clock, random, diagnostics},
      std::move(options), [this, raw = lane.get()] { post_turn(*raw); });
  lanes[index_of(signal)] = std::move(lane);
  return {};
}

void Exporter::Impl::post_turn(Lane& lane) {
  if (lane.posted.exchange(true)) return;
  asio::post(io, [this, &lane] {
    lane.posted.store(false);
    turn(lane);
  });
}

void Exporter::Impl::turn(Lane& lane) {
  lane.timer.cancel();
  if (const auto due = lane.sender->turn()) {
    lane.timer.expires_after(std::chrono::nanoseconds(due->value - clock.monotonic().value));
    lane.timer.async_wait([this, &lane](const error_code& error) {
      if (!error) turn(lane);
    });
  }
  if (flushing) end_when_idle();
}

void Exporter::Impl::begin_flush() {
  flushing = true;
  flush_timer.expires_after(std::chrono::milliseconds(flush_ms));
  flush_timer.async_wait([this](const error_code& error) {
    if (error) return;
    stop_all();
    end_when_idle();
  });
  for (const auto& lane : lanes)
    if (lane) lane->sender->begin_flush();
  for (const auto& lane : lanes)
    if (lane) turn(*lane);
  end_when_idle();
}

void Exporter::Impl::end_when_idle() {
  for (const auto& lane : lanes)
    if (lane && !lane->sender->idle()) return;
  io.stop();
}

void Exporter::Impl::stop_all() {
  for (const auto& lane : lanes)
    if (lane) lane->sender->stop();
}

Exporter::Exporter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Outcome<std::unique_ptr<Exporter>> Exporter::start(const ExportSettings& settings, std::string_view version,
                                                   const Clock& clock, Diagnostics& diagnostics) {
  if (auto fault = settings.fault()) return problem(*std::move(fault));
  auto impl = std::make_unique<Impl>(settings, clock, diagnostics);
  for (const auto signal : kAllSignals)
    if (const auto target = settings.target(signal))
      if (auto added = impl->add_lane(signal, *target, settings, version); !added)
        return tl::unexpected(added.error());
  impl->thread = std::thread([raw = impl.get()] {
    work_behind_business();  // compression is here
    raw->io.run();
  });
  return std::unique_ptr<Exporter>(new Exporter(std::move(impl)));
}

Exporter::~Exporter() {
  asio::post(impl_->io, [raw = impl_.get()] { raw->begin_flush(); });
  impl_->thread.join();
  impl_->stop_all();  // what was offered while the loop ended
  std::uint64_t lost = 0;
  for (const auto& lane : impl_->lanes)
    if (lane) lost += lane->counters.drops(ExportDrop::kShutdown);
  if (lost != 0)
    impl_->diagnostics.warn("otlp.export", "ended before everything was exported",
                            {{"items", std::to_string(lost)}});
}

std::optional<Protocol> Exporter::protocol(Signal signal) const noexcept {
  const auto& lane = impl_->lanes[index_of(signal)];
  return lane ? std::optional(lane->protocol) : std::nullopt;
}

void Exporter::offer(Signal signal, ExportRequest request) {
  const auto& lane = impl_->lanes[index_of(signal)];
  if (!lane) return;
  lane->queue.offer(std::move(request));
  impl_->post_turn(*lane);
}

void Exporter::count_dropped(Signal signal, ExportDrop cause, std::uint64_t items) noexcept {
  const auto& lane = impl_->lanes[index_of(signal)];
  if (!lane) return;
  ExportCounters::add(lane->counters.offered, items);
  lane->counters.drop(cause, items);
}

const ExportCounters* Exporter::counters(Signal signal) const noexcept {
  const auto& lane = impl_->lanes[index_of(signal)];
  return lane ? &lane->counters : nullptr;
}

std::size_t Exporter::queue_bytes(Signal signal) const {
  const auto& lane = impl_->lanes[index_of(signal)];
  return lane ? lane->queue.bytes() : 0;
}

double Exporter::saturation() const {
  double fullest = 0;
  for (const auto& lane : impl_->lanes)
    if (lane) fullest = std::max(fullest, lane->queue.saturation());
  return fullest;
}

}  // namespace fluxrig::otlp
