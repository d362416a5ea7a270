#include "otlp/export_sender.hpp"

#include <fmt/format.h>

#include <utility>

namespace fluxrig::otlp {
namespace {

constexpr std::string_view kArea = "otlp.export";

}  // namespace

ExportSender::ExportSender(Parts parts, Options options, std::function<void()> settled)
    : parts_(parts),
      options_(std::move(options)),
      settled_(std::move(settled)),
      backoff_(options_.backoff),
      not_before_{INT64_MIN} {}

std::optional<MonotonicNanos> ExportSender::turn() {
  if (current_ && current_->under_way) return std::nullopt;
  const auto now = parts_.clock.monotonic();
  const bool waits = now < not_before_;
  if (flushing_ && waits && throttled_) {
    stop();
    return std::nullopt;
  }
  if (!current_) {
    if (parts_.queue.empty()) return std::nullopt;
    if (waits && !flushing_) return not_before_;
    auto request = parts_.queue.take();
    if (!request) return std::nullopt;
    if (options_.pack) request->body = options_.pack(std::move(request->body));
    current_.emplace(InFlight{std::move(*request), now});
  } else if (waits && !flushing_) {
    return not_before_;
  }
  ExportCounters::add(parts_.counters.attempts);
  if (std::exchange(current_->tried, true)) ExportCounters::add(parts_.counters.retries);
  current_->under_way = true;
  parts_.transport.send(current_->request.body, [this](const Answer& answer) {
    take(answer);
    settled_();
  });
  return std::nullopt;
}

void ExportSender::take(const Answer& answer) {
  current_->under_way = false;
  switch (judge(answer)) {
    case Verdict::kDelivered:
      return take_success(answer);
    case Verdict::kRetry:
      return take_failure(answer);
    case Verdict::kRefused: {
      // The back end is there and has decided: what comes next need not wait.
      const auto said = answer.is_grpc ? answer.why : decode_status_message(answer.body, options_.protocol);
      tell_trouble(fmt::format("refused with {}{}{}", status_text(answer), said.empty() ? "" : ": ", said),
                   answer);
      backoff_.reset();
      return drop(ExportDrop::kRefused);
    }
    case Verdict::kUnusable:
      tell_trouble("the answer is too large", answer);
      backoff_.reset();
      return drop(ExportDrop::kUnusable);
  }
}

void ExportSender::take_success(const Answer& answer) {
  auto& counters = parts_.counters;
  const auto items = current_->request.items;
  PartialSuccess partial;
  if (auto decoded = decode_response(answer.body, options_.protocol); decoded && !answer.is_unreadable)
    partial = std::move(*decoded);
  else
    ExportCounters::add(counters.unreadable_answers);  // it has them: sending again would double them
  const auto rejected = std::min(partial.rejected, items);
  ExportCounters::add(counters.rejected, rejected);
  ExportCounters::add(counters.delivered, items - rejected);
  if (rejected == 0 && !partial.message.empty()) ExportCounters::add(counters.warnings);
  if (rejected != 0 || !partial.message.empty()) {
    tell_trouble(fmt::format("{} of {} items were rejected: {}", rejected, items, partial.message), answer);
  } else if (!trouble_.empty()) {
    trouble_.clear();
    parts_.diagnostics.info(kArea, "the back end takes everything again",
                            {{"signal", std::string(otlp_name_of(options_.signal))}});
  }
  backoff_.reset();
  finish();
}

void ExportSender::take_failure(const Answer& answer) {
  tell_trouble(answer.kind == Answer::Kind::kNone ? "no answer: " + answer.why
                                                  : status_text(answer) + ", trying again",
               answer);
  const auto wait =
      backoff_.after(current_->began, parts_.clock.monotonic(), answer.retry_after_nanos, parts_.random);
  not_before_ = wait.until;
  throttled_ = answer.retry_after_nanos.has_value();
  if (flushing_) return stop();
  if (wait.give_up) drop(ExportDrop::kGaveUp);
}

void ExportSender::drop(ExportDrop cause) {
  parts_.counters.drop(cause, current_->request.items);
  finish();
}

void ExportSender::finish() {
  current_.reset();
  parts_.queue.release();
}

void ExportSender::begin_flush() { flushing_ = true; }

bool ExportSender::idle() const { return !current_ && parts_.queue.empty(); }

void ExportSender::stop() {
  parts_.transport.cancel();
  if (current_) drop(ExportDrop::kShutdown);
  parts_.queue.drop_all(ExportDrop::kShutdown);
}

// Once for each kind of trouble, not for each request.
void ExportSender::tell_trouble(const std::string& what, const Answer& answer) {
  std::string kind = fmt::format("{}/{}", static_cast<int>(answer.kind), answer.status);
  if (answer.kind == Answer::Kind::kNone) kind = what;
  if (std::exchange(trouble_, kind) == kind) return;
  parts_.diagnostics.warn(kArea, "the back end does not take everything",
                          {{"signal", std::string(otlp_name_of(options_.signal))}, {"why", what}});
}

}  // namespace fluxrig::otlp
