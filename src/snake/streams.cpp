#include "snake/streams.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "snake/nats_native.hpp"
#include "snake/stream_plan.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::snake {

namespace {

constexpr int kMaxConsumers = 10'000;
constexpr int kNotFoundCode = 10059;         // JetStream: stream not found
constexpr int kSingleServerCode = 10074;     // replicas > 1 not supported in non-clustered mode
constexpr int kNoSuitablePeersCode = 10005;  // the cluster has fewer servers, or they are away

bool same_text(const char* a, const char* b) {
  return std::string_view(a ? a : "") == std::string_view(b ? b : "");
}

bool same_place(const jsConsumerConfig& a, const jsConsumerConfig& b) {
  return same_text(a.FilterSubject, b.FilterSubject) && same_text(a.DeliverSubject, b.DeliverSubject);
}

bool same_limits(const jsConsumerConfig& a, const jsConsumerConfig& b) {
  return a.AckWait == b.AckWait && a.MaxDeliver == b.MaxDeliver && a.MaxAckPending == b.MaxAckPending;
}

tl::unexpected<Problem> refused(std::string_view what, std::string_view name, natsStatus status) {
  const char* text = nats_GetLastError(nullptr);
  return problem(fmt::format("the server could not {} '{}': {}{}{}", what, name, natsStatus_GetText(status),
                             text == nullptr || *text == 0 ? "" : ": ", text == nullptr ? "" : text));
}

// What a server of another operator can lack: JetStream, and room for as many copies as were asked for.
tl::unexpected<Problem> stream_refused(std::string_view what, const jsStreamConfig& config, natsStatus status,
                                       jsErrCode code) {
  if (status == NATS_NO_RESPONDERS)
    return problem(
        fmt::format("the server could not {} '{}': it runs without JetStream, or this account has none; give "
                    "it a 'jetstream' block",
                    what, config.Name));
  if (static_cast<int>(code) == kSingleServerCode)
    return problem(fmt::format(
        "the server could not {} '{}': it is a single one, and 'streams.replicas' asks for {} copies; give "
        "the address of a cluster as 'nats.address', or leave 'replicas' out",
        what, config.Name, config.Replicas));
  if (static_cast<int>(code) == kNoSuitablePeersCode)
    return problem(
        fmt::format("the server could not {} '{}': its cluster has no {} servers with JetStream and room for "
                    "{} bytes; see 'nats server report jetstream'",
                    what, config.Name, config.Replicas, config.MaxBytes));
  return refused(what, config.Name, status);
}

// A single server takes a change to more copies than it can keep, and keeps one.
bool is_single(const jsStreamInfo& info) {
  return info.Cluster == nullptr || info.Cluster->Name == nullptr || *info.Cluster->Name == 0;
}

// All of a stream's messages up to here need no consumer any more.
struct ConsumerFloor {
  std::string filter;
  std::uint64_t sequence = 0;
};

ConsumerFloor floor_of(const jsConsumerInfo& info, std::uint64_t last_before) {
  ConsumerFloor floor;
  floor.filter = info.Config->FilterSubject == nullptr ? ">" : info.Config->FilterSubject;
  const bool idle = info.NumPending == 0 && info.NumAckPending == 0;
  floor.sequence = idle ? last_before : info.AckFloor.Stream;
  return floor;
}

}  // namespace

Outcome<void> StreamAdmin::ensure_streams(const StreamSizes& sizes) {
  sizes_ = sizes;
  jsCtx* jetstream = bus_.native().jetstream.get();
  for (auto& plan : stream_plans(sizes)) {
    auto config = to_config(plan, sizes);
    jsStreamInfo* raw = nullptr;
    jsErrCode code{};
    auto status = js_GetStreamInfo(&raw, jetstream, config.Name, nullptr, &code);
    const StreamInfoHandle info(raw);
    if (status == NATS_NOT_FOUND || static_cast<int>(code) == kNotFoundCode) {
      status = js_AddStream(nullptr, jetstream, &config, nullptr, &code);
      if (status != NATS_OK) return stream_refused("make the stream", config, status, code);
      ++made_;
      floors_.erase(std::string(plan.name));  // its sequences begin again
    } else if (status != NATS_OK) {
      return stream_refused("look at the stream", config, status, code);
    } else if (config.Replicas > 1 && is_single(*info)) {
      return stream_refused("change the stream", config, NATS_ERR, static_cast<jsErrCode>(kSingleServerCode));
    } else if (keep_fixed(config, *info->Config); !is_as_planned(*info->Config, config)) {
      status = js_UpdateStream(nullptr, jetstream, &config, nullptr, &code);
      if (status != NATS_OK) return stream_refused("change the stream", config, status, code);
    }
  }
  return {};
}

Outcome<std::size_t> StreamAdmin::restore_streams() {
  const auto before = made_;
  if (auto done = ensure_streams(sizes_); !done) return tl::unexpected(done.error());
  return made_ - before;
}

Outcome<void> StreamAdmin::ensure_consumer(const ConsumerRequest& request) {
  jsCtx* jetstream = bus_.native().jetstream.get();
  const auto name = consumer_name(request.rack, request.gear);
  const auto deliver = deliver_subject(request.machine, request.gear);
  if (!valid_rack_name(request.rack) || !valid_name_token(request.gear) || !check_subject(request.filter) ||
      !filters_overlap(request.filter, "flux.msg.>"))
    return problem(fmt::format("no consumer for gear '{}' of rack '{}': a name or its filter is not valid",
                               request.gear, request.rack));
  jsConsumerConfig config;
  (void)jsConsumerConfig_Init(&config);
  config.Durable = name.c_str();
  config.DeliverPolicy = js_DeliverAll;
  config.AckPolicy = js_AckExplicit;
  config.AckWait = std::chrono::nanoseconds(request.acknowledge_wait).count();
  config.MaxDeliver = request.max_deliver;
  config.FilterSubject = request.filter.c_str();
  config.MaxAckPending = request.max_unacknowledged;
  config.DeliverSubject = deliver.c_str();
  jsErrCode code{};
  jsConsumerInfo* raw = nullptr;
  auto status = js_GetConsumerInfo(&raw, jetstream, kStreamMessages.data(), name.c_str(), nullptr, &code);
  const ConsumerInfoHandle existing(raw);
  if (status == NATS_OK && same_place(config, *existing->Config)) {
    config.DeliverPolicy = existing->Config->DeliverPolicy;
    config.OptStartSeq = existing->Config->OptStartSeq;
    if (!same_limits(config, *existing->Config))
      status = js_UpdateConsumer(nullptr, jetstream, kStreamMessages.data(), &config, nullptr, &code);
    if (status != NATS_OK) return refused("change the consumer", name, status);
    return {};
  }
  if (status == NATS_OK) {
    // Server 2.9 accepts another filter and then delivers nothing: made anew, after what was acknowledged.
    config.DeliverPolicy = js_DeliverByStartSequence;
    config.OptStartSeq = existing->AckFloor.Stream + 1;
    status = js_DeleteConsumer(jetstream, kStreamMessages.data(), name.c_str(), nullptr, &code);
    if (status != NATS_OK) return refused("replace the consumer", name, status);
  } else if (status != NATS_NOT_FOUND) {
    return refused("look at the consumer", name, status);
  }
  status = js_AddConsumer(nullptr, jetstream, kStreamMessages.data(), &config, nullptr, &code);
  if (status != NATS_OK) return refused("make the consumer", name, status);
  return {};
}

Outcome<void> StreamAdmin::remove_consumer(std::string_view rack, std::string_view gear) {
  const auto name = consumer_name(rack, gear);
  jsErrCode code{};
  const auto status =
      js_DeleteConsumer(bus_.native().jetstream.get(), kStreamMessages.data(), name.c_str(), nullptr, &code);
  if (status != NATS_OK && status != NATS_NOT_FOUND) return refused("remove the consumer", name, status);
  return {};
}

Outcome<std::vector<StreamFill>> StreamAdmin::fill() {
  std::vector<StreamFill> fills;
  for (const auto name :
       {kStreamMessages, kStreamAudit, kStreamTelemetry, kStreamDeadLetters, kStreamAdvisories}) {
    jsStreamInfo* raw = nullptr;
    jsErrCode code{};
    const auto status = js_GetStreamInfo(&raw, bus_.native().jetstream.get(), name.data(), nullptr, &code);
    const StreamInfoHandle info(raw);
    if (status != NATS_OK) return refused("look at the stream", name, status);
    const auto& state = info->State;
    fills.push_back({std::string(name),
                     state.Msgs,
                     state.Bytes,
                     info->Config->MaxBytes,
                     {state.Msgs == 0 ? 0 : state.FirstTime}});
  }
  return fills;
}

Outcome<std::size_t> StreamAdmin::trim_acknowledged() {
  auto messages = trim(kStreamMessages);
  if (!messages) return messages;
  auto stored = trim_stored();
  if (!stored) return stored;
  return *messages + *stored;
}

Outcome<std::size_t> StreamAdmin::trim_stored() {
  std::size_t looked_at = 0;
  for (const auto name : {kStreamAudit, kStreamTelemetry}) {
    auto consumers = trim(name);
    if (!consumers) return consumers;
    looked_at += *consumers;
  }
  return looked_at;
}

Outcome<std::size_t> StreamAdmin::trim(std::string_view name) {
  jsCtx* jetstream = bus_.native().jetstream.get();
  jsStreamInfo* raw_stream = nullptr;
  jsErrCode code{};
  auto status = js_GetStreamInfo(&raw_stream, jetstream, name.data(), nullptr, &code);
  const StreamInfoHandle stream(raw_stream);
  if (status != NATS_OK) return refused("look at the stream", name, status);
  // Read before the consumers: an idle one has seen everything up to here.
  const std::uint64_t last = stream->State.LastSeq;
  jsConsumerInfoList* raw_list = nullptr;
  status = js_Consumers(&raw_list, jetstream, name.data(), nullptr, &code);
  if (status == NATS_NOT_FOUND) return std::size_t{0};
  if (status != NATS_OK) return refused("list the consumers of", name, status);
  const std::unique_ptr<jsConsumerInfoList, NativeDelete<jsConsumerInfoList_Destroy>> list(raw_list);
  std::vector<ConsumerFloor> floors;
  for (int i = 0; i < list->Count && i < kMaxConsumers; ++i) floors.push_back(floor_of(*list->List[i], last));

  Floors now;
  for (const auto& consumer : floors) {
    auto sequence = consumer.sequence;
    for (const auto& other : floors)
      if (filters_overlap(consumer.filter, other.filter)) sequence = std::min(sequence, other.sequence);
    now[consumer.filter] = sequence;
  }
  Floors& known = floors_[std::string(name)];
  for (const auto& [filter, sequence] : now) {
    const auto before = known.find(filter);
    // A new consumer with an overlapping filter may have lowered it since.
    const auto safe = before == known.end() ? 0 : std::min(before->second, sequence);
    if (safe == 0 || safe < stream->State.FirstSeq) continue;
    jsOptions options;
    (void)jsOptions_Init(&options);
    options.Stream.Purge.Subject = filter.c_str();
    options.Stream.Purge.Sequence = safe + 1;
    status = js_PurgeStream(jetstream, name.data(), &options, &code);
    if (status != NATS_OK) return refused("trim the stream", name, status);
  }
  known = std::move(now);
  return floors.size();
}

}  // namespace fluxrig::snake
