// Asking the mixer for its chains. What it answers is outside input like any other.
#include <fmt/core.h>

#include <boost/json.hpp>

#include "cbor/decoder.hpp"
#include "fluxrig/audit_mixer.hpp"

namespace fluxrig::client {
namespace {

using boost::json::object;

constexpr std::uint64_t kMostPages = 10'000'000;

std::string text_of(const object& row, std::string_view name) {
  const auto* value = row.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::uint64_t number_of(const object& row, std::string_view name) {
  const auto* value = row.if_contains(name);
  if (value == nullptr) return 0;
  if (value->is_uint64()) return value->as_uint64();
  return value->is_int64() && value->as_int64() > 0 ? static_cast<std::uint64_t>(value->as_int64()) : 0;
}

template <std::size_t N>
std::optional<std::array<std::uint8_t, N>> bytes_of(const object& row, std::string_view name) {
  const auto bytes = from_hex(text_of(row, name));
  std::array<std::uint8_t, N> value{};
  if (!bytes || bytes->size() != N) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), value.begin());
  return value;
}

tl::unexpected<Problem> not_asked_for() {
  return problem("the mixer's answer is not what was asked for; is it of an older version?");
}

std::optional<StoredEpoch> epoch_of(const boost::json::value& entry) {
  if (!entry.is_object()) return std::nullopt;
  const auto& row = entry.as_object();
  const auto machine = parse_uuid(text_of(row, "machine_id"));
  const auto epoch = number_of(row, "epoch");
  if (!machine || epoch == 0 || epoch > UINT32_MAX) return std::nullopt;
  StoredEpoch one;
  one.machine_id = MachineId{*machine};
  one.rack = text_of(row, "rack");
  one.epoch.value = static_cast<std::uint32_t>(epoch);
  one.blocks = number_of(row, "blocks");
  one.from = number_of(row, "first_seq");
  one.next = number_of(row, "next_seq");
  one.head = bytes_of<32>(row, "head").value_or(model::Hash{});
  one.before = bytes_of<32>(row, "before").value_or(model::Hash{});
  one.retired_to = number_of(row, "retired_next");
  one.key = bytes_of<32>(row, "public_key");
  return one;
}

Outcome<ApiReply> ask(const ApiClient& client, const std::string& path) {
  auto reply = client.call({.path = path});
  if (!reply) return tl::unexpected(reply.error());
  if (reply->status != 200) return problem(describe_failure(client.url(), *reply));
  return reply;
}

}  // namespace

Outcome<std::vector<StoredEpoch>> parse_epochs(std::string_view json) {
  boost::system::error_code error;
  const auto root = boost::json::parse(json, error);
  const auto* list = !error && root.is_object() ? root.as_object().if_contains("epochs") : nullptr;
  if (list == nullptr || !list->is_array()) return not_asked_for();
  std::vector<StoredEpoch> epochs;
  for (const auto& entry : list->as_array()) {
    auto one = epoch_of(entry);
    if (!one) return not_asked_for();
    epochs.push_back(*std::move(one));
  }
  const auto* truncated = root.as_object().if_contains("truncated");
  if (truncated != nullptr && truncated->is_bool() && truncated->as_bool())
    return problem("the store holds more epochs than one answer may name; ask by --rack or --since");
  return epochs;
}

Outcome<std::vector<StoredEpoch>> fetch_epochs(const ApiClient& client, const ChainQuestion& question) {
  std::string query;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty())
      query += (query.empty() ? "?" : "&") + std::string(name) + "=" + percent_encoded(value);
  };
  add("rack", question.rack);
  add("since", question.since);
  add("until", question.until);
  const auto reply = ask(client, "/api/v1/audit/heads" + query);
  if (!reply) return tl::unexpected(reply.error());
  return parse_epochs(reply->body);
}

Outcome<std::vector<SeenFault>> parse_seen(std::string_view json) {
  boost::system::error_code error;
  const auto root = boost::json::parse(json, error);
  const auto* list = !error && root.is_object() ? root.as_object().if_contains("alarms") : nullptr;
  if (list == nullptr || !list->is_array()) return not_asked_for();
  std::vector<SeenFault> seen;
  for (const auto& entry : list->as_array()) {
    if (!entry.is_object()) return not_asked_for();
    const auto& row = entry.as_object();
    const auto kind = text_of(row, "kind");
    const bool fork = kind == to_string(wal::FaultKind::kFork);
    if (!fork && kind != to_string(wal::FaultKind::kRollback)) continue;
    const auto machine = parse_uuid(text_of(row, "machine_id"));
    const auto epoch = number_of(row, "epoch");
    if (!machine || epoch == 0 || epoch > UINT32_MAX) return not_asked_for();
    seen.push_back({MachineId{*machine},
                    text_of(row, "rack"),
                    {fork ? wal::FaultKind::kFork : wal::FaultKind::kRollback,
                     {static_cast<std::uint32_t>(epoch)},
                     {number_of(row, "first_seq")},
                     "the mixer saw: " + text_of(row, "what")}});
  }
  return seen;
}

Outcome<std::vector<SeenFault>> fetch_seen(const ApiClient& client, const std::string& rack) {
  std::vector<SeenFault> seen;
  // One answer holds the newest thousand: asked by kind, so that many gaps hide none of these.
  for (const auto kind : {wal::FaultKind::kFork, wal::FaultKind::kRollback}) {
    auto path = fmt::format("/api/v1/audit/alarms?kind={}", to_string(kind));
    if (!rack.empty()) path += "&rack=" + percent_encoded(rack);
    const auto reply = ask(client, path);
    if (!reply) return tl::unexpected(reply.error());
    auto some = parse_seen(reply->body);
    if (!some) return some;
    std::move(some->begin(), some->end(), std::back_inserter(seen));
  }
  return seen;
}

Outcome<std::uint64_t> take_files(std::string_view json, CheckedStore& store) {
  boost::system::error_code error;
  const auto root = boost::json::parse(json, error);
  const auto* list = !error && root.is_object() ? root.as_object().if_contains("files") : nullptr;
  if (list == nullptr || !list->is_array()) return not_asked_for();
  for (const auto& entry : list->as_array()) {
    if (!entry.is_object()) return not_asked_for();
    const auto& file = entry.as_object();
    const auto state = text_of(file, "state");
    if (state.empty()) return not_asked_for();
    ++store.files;
    store.bytes += number_of(file, "bytes");
    if (state == "unhashed") ++store.unhashed;
    if (state == "good" || state == "unhashed") continue;
    ++store.fault_count;
    if (store.faults.size() < CheckedStore::kMaxListed)
      store.faults.push_back({text_of(file, "file"), state});
  }
  return number_of(root.as_object(), "next");
}

Outcome<CheckedStore> fetch_store(const ApiClient& client) {
  CheckedStore store;
  std::uint64_t after = 0;
  for (;;) {
    const auto reply = ask(client, fmt::format("/api/v1/audit/files?after={}", after));
    if (!reply) return tl::unexpected(reply.error());
    const auto next = take_files(reply->body, store);
    if (!next) return tl::unexpected(next.error());
    if (*next == 0) return store;
    if (*next <= after) return problem("the mixer gives pages without end");
    after = *next;
  }
}

Outcome<std::string> take_page(std::string_view body, const OnBlock& block) {
  cbor::Decoder decoder(as_bytes(body));
  const auto next = decoder.text();
  if (!next) return not_asked_for();
  while (!decoder.at_end()) {
    const auto bytes = decoder.bytes();
    if (!bytes) return not_asked_for();
    if (auto taken = block(*bytes); !taken) return tl::unexpected(taken.error());
  }
  return std::string(*next);
}

Outcome<void> fetch_blocks(const ApiClient& client, const StoredEpoch& epoch, const OnBlock& block) {
  const auto base = fmt::format("/api/v1/audit/blocks?machine_id={}&epoch={}", to_string(epoch.machine_id),
                                epoch.epoch.value);
  auto path = base + fmt::format("&from={}", epoch.from);
  for (std::uint64_t page = 0; page < kMostPages; ++page) {
    const auto reply = ask(client, path);
    if (!reply) return tl::unexpected(reply.error());
    const auto next = take_page(reply->body, block);
    if (!next) return tl::unexpected(next.error());
    if (next->empty()) return {};
    path = base + "&cursor=" + percent_encoded(*next);
  }
  return problem("the mixer gives pages without end");
}

}  // namespace fluxrig::client
