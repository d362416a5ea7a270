#include "mixer/span_intake.hpp"

#include <algorithm>
#include <utility>

namespace fluxrig::mixer {

SpanIntake::SpanIntake(const Clock& clock)
    : clock_(clock),
      epoch_{static_cast<std::uint32_t>(
          std::clamp<std::int64_t>(clock.now().value / kNanosPerSecond, 1, UINT32_MAX))} {}

SpanIntake::Verdict SpanIntake::store(std::vector<sanitize::CleanRecord> spans, std::size_t bytes,
                                      std::chrono::milliseconds patience) {
  const auto request = std::make_shared<Request>(Request{std::move(spans), bytes, std::nullopt});
  std::unique_lock lock(mutex_);
  if (closed_) return Verdict::kFailed;
  if (waiting_bytes_ + bytes > kMostWaiting) return Verdict::kFull;
  waiting_.push_back(request);
  waiting_bytes_ += bytes;
  if (changed_.wait_for(lock, patience, [&] { return request->verdict.has_value(); }))
    return *request->verdict;
  // Taken back if it still waits here; otherwise it is being stored just now.
  if (const auto still = std::find(waiting_.begin(), waiting_.end(), request); still != waiting_.end()) {
    waiting_.erase(still);
    waiting_bytes_ -= bytes;
  }
  return Verdict::kLate;
}

SpanIntake::Requests SpanIntake::take() {
  Requests requests;
  std::size_t bytes = 0;
  const std::lock_guard lock(mutex_);
  while (!waiting_.empty()) {
    const auto more = waiting_.front()->bytes;
    if (!requests.empty() && bytes + more > kMostAtOnce) break;
    bytes += more;
    waiting_bytes_ -= more;
    requests.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return requests;
}

void SpanIntake::answer(const Requests& requests, Verdict verdict) {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& request : requests) request->verdict = verdict;
  }
  changed_.notify_all();
}

std::vector<sanitize::CleanRecord> SpanIntake::fresh(const Requests& requests,
                                                     std::vector<SpanName>& names) const {
  std::vector<sanitize::CleanRecord> spans;
  std::set<SpanName> here;
  for (const auto& request : requests) {
    for (const auto& record : request->spans) {
      const auto* span = std::get_if<model::Span>(&record.value());
      if (span == nullptr) continue;
      const SpanName name{span->trace_id, span->span_id};
      if (known_.contains(name) || !here.insert(name).second) continue;
      names.push_back(name);
      spans.push_back(record);
    }
  }
  return spans;
}

void SpanIntake::remember(const std::vector<SpanName>& names) {
  for (const auto& name : names) {
    known_.insert(name);
    order_.push_back(name);
  }
  while (order_.size() > kRemembered) {
    known_.erase(order_.front());
    order_.pop_front();
  }
}

void SpanIntake::commit(sink::Sink& sink) {
  const auto began = clock_.monotonic();
  if (began.value < not_before_.value) return;
  const auto requests = take();
  if (requests.empty()) return;
  std::vector<SpanName> names;
  const auto spans = fresh(requests, names);
  std::size_t all = 0;
  for (const auto& request : requests) all += request->spans.size();
  const auto done =
      spans.empty() ? Result<void>{} : sink.store_received({spans, epoch_, next_, clock_.now()});
  const auto ended = clock_.monotonic();
  if (!done) {
    not_before_ = {ended.value + kRestAfterFailure};
    return answer(requests, Verdict::kFailed);
  }
  not_before_ = {ended.value + kRestPerCommit * (ended.value - began.value)};
  next_.value += spans.size();
  remember(names);
  stored_.fetch_add(spans.size(), std::memory_order_relaxed);
  duplicates_.fetch_add(all - spans.size(), std::memory_order_relaxed);
  answer(requests, Verdict::kStored);
}

void SpanIntake::close() {
  Requests left;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    left.assign(waiting_.begin(), waiting_.end());
    waiting_.clear();
    waiting_bytes_ = 0;
  }
  answer(left, Verdict::kFailed);
}

}  // namespace fluxrig::mixer
