#include "rack/scenario_options.hpp"

#include <fmt/format.h>

#include "lane/telemetry_backlog.hpp"
#include "rack/scenario_rules.hpp"

namespace fluxrig::rack {
namespace {

using gear::Option;
using gear::OptionType;

constexpr std::int64_t kHour = 3'600'000;  // ms

Option mixer_options() {
  return {.name = "mixer",
          .type = OptionType::kMap,
          .summary = "the centre; without it the rack runs alone and keeps its records",
          .items = {{.name = "address",
                     .type = OptionType::kText,
                     .summary = "of the mixer's NATS server, as nats://host:port",
                     .required = true},
                    {.name = "certificates",
                     .type = OptionType::kText,
                     .summary = "directory with the rack's certificate and key, made by `fluxrig pki issue`",
                     .required = true}}};
}

Option audit_options() {
  return {
      .name = "audit",
      .type = OptionType::kMap,
      .summary = "transaction records (P1)",
      .fallback = "{}",
      .items = {
          {.name = "durability",
           .type = OptionType::kChoice,
           .summary = "commit: a reply waits until its record is on disk; interval: it does not, and a "
                      "crash may lose the last interval",
           .fallback = "commit",
           .choices = {"commit", "interval"}},
          {.name = "interval",
           .type = OptionType::kDuration,
           .summary = "between two writes to disk with durability: interval",
           .fallback = "5ms",
           .minimum = 1,
           .maximum = 10'000},
          {.name = "intent",
           .type = OptionType::kChoice,
           .summary = "before a transaction leaves the rack its intent is recorded; commit: the "
                      "departure waits until that is on disk; async: it does not; off: none",
           .fallback = "async",
           .choices = {"async", "commit", "off"}},
          {.name = "disk",
           .type = OptionType::kSize,
           .summary = "limit of all audit segments together; when it is reached, see on_full",
           .fallback = "2GiB",
           .minimum = 16LL << 20,
           .maximum = 16LL << 40},
          {.name = "on_full",
           .type = OptionType::kChoice,
           .summary = "refuse: without room for its record new work is refused; continue: replies go on, "
                      "and what is lost is declared in the audit chain",
           .fallback = "refuse",
           .choices = {"refuse", "continue"}},
          {.name = "reserve",
           .type = OptionType::kSize,
           .summary = "space kept in files beside the segments and given up, 4 MiB at a time, when others "
                      "have filled the disk: accepted work can still be recorded",
           .fallback = "16MiB",
           .minimum = 0,
           .maximum = 16LL << 30}}};
}

Option telemetry_options() {
  Option sampling{.name = "sampling",
                  .type = OptionType::kMap,
                  .summary = "which transactions keep the spans of their gears; failed ones always do",
                  .fallback = "{}",
                  .items = {{.name = "ratio",
                             .type = OptionType::kNumber,
                             .summary = "share of the traces, the same ones on every rack; 1: all",
                             .fallback = "1",
                             .minimum = 0,
                             .maximum = 1},
                            {.name = "slow",
                             .type = OptionType::kDuration,
                             .summary = "transactions that take longer always keep them",
                             .fallback = "250ms",
                             .minimum = 0,
                             .maximum = kHour}}};
  Option metrics{.name = "metrics",
                 .type = OptionType::kMap,
                 .summary = "counters and histograms of each gear",
                 .fallback = "{}",
                 .items = {{.name = "interval",
                            .type = OptionType::kDuration,
                            .summary = "between two exports",
                            .fallback = "10s",
                            .minimum = 100,
                            .maximum = kHour}}};
  Option backlog{
      .name = "backlog",
      .type = OptionType::kMap,
      .summary = "metrics and spans (P2) that wait on disk while they cannot be sent",
      .fallback = "{}",
      .items = {{.name = "disk",
                 .type = OptionType::kSize,
                 .summary = "limit of their segments together; then the oldest go, and are counted",
                 .fallback = "256MiB",
                 .minimum = lane::TelemetryBacklog::kMinBytes,
                 .maximum = 16LL << 40}}};
  return {
      .name = "telemetry",
      .type = OptionType::kMap,
      .summary = "what is recorded, and how safely",
      .fallback = "{}",
      .items = {audit_options(),
                std::move(sampling),
                std::move(metrics),
                std::move(backlog),
                {.name = "export",
                 .type = OptionType::kFree,
                 .summary = "straight to OpenTelemetry back ends, without a mixer or beside it: the keys of "
                            "[`export` of a mixer](mixer.md#export); see below"}}};
}

Option limits_options() {
  return {.name = "limits",
          .type = OptionType::kMap,
          .summary = "bounds of the whole rack",
          .fallback = "{}",
          .items = {{.name = "in_flight",
                     .type = OptionType::kInteger,
                     .summary = "open transactions; more are refused in the caller's protocol",
                     .fallback = "4096",
                     .minimum = 1,
                     .maximum = 1'000'000},
                    {.name = "transaction_timeout",
                     .type = OptionType::kDuration,
                     .summary = "after which a transaction without an answer is answered with a timeout",
                     .fallback = "30s",
                     .minimum = 1,
                     .maximum = kHour}}};
}

Option memory_options() {
  return {
      .name = "memory",
      .type = OptionType::kMap,
      .summary = "what the rack takes of its machine's memory: [footprint](footprint.md)",
      .fallback = "{}",
      .items = {
          {.name = "ring",
           .type = OptionType::kSize,
           .summary = "records on their way from the traffic's thread to the pump, resident at once; a power "
                      "of two, others are rounded up",
           .fallback = "256KiB",
           .minimum = 64LL << 10,
           .maximum = 64LL << 20},
          {.name = "queue",
           .type = OptionType::kSize,
           .summary = "metrics and spans (P2) that wait in memory to be sent; more go to the backlog, or "
                      "are dropped and counted",
           .fallback = "4MiB",
           .minimum = 256LL << 10,
           .maximum = 1LL << 30},
          {.name = "arenas",
           .type = OptionType::kInteger,
           .summary = "of the allocator: each keeps free memory of its own; fewer hold less, more let "
                      "threads wait less for each other",
           .fallback = "3",
           .minimum = 1,
           .maximum = 64},
          {.name = "thread_stack",
           .type = OptionType::kSize,
           .summary = "address space of each thread's stack; resident is what it has used",
           .fallback = "1MiB",
           .minimum = 256LL << 10,
           .maximum = 64LL << 20}}};
}

Option log_options() {
  return {.name = "log",
          .type = OptionType::kMap,
          .summary = "diagnostics on stderr",
          .fallback = "{}",
          .items = {{.name = "format",
                     .type = OptionType::kChoice,
                     .summary = "one line of text, or one JSON object a line",
                     .fallback = "text",
                     .choices = {"text", "json"}},
                    {.name = "level",
                     .type = OptionType::kChoice,
                     .summary = "the least severe that is written; debug needs profile: development",
                     .fallback = "info",
                     .choices = {"error", "warn", "info", "debug"}}}};
}

Option monitor_options() {
  return {
      .name = "monitor",
      .type = OptionType::kMap,
      .summary = "a listener of the rack's own, with /metrics, /livez and /readyz; without it there is none",
      .items = {{.name = "listen",
                 .type = OptionType::kListen,
                 .summary = "open to whoever reaches it: loopback, or a network of operators only",
                 .required = true}}};
}

}  // namespace

const std::vector<Option>& scenario_options() {
  static const std::vector<Option> options = {
      {.name = "rack",
       .type = OptionType::kText,
       .summary = "the rack's name: [a-z0-9_-], at most 32",
       .required = true},
      mixer_options(),
      {.name = "data",
       .type = OptionType::kText,
       .summary = "directory of the write-ahead logs; made when missing; fluxrig-data/ and the rack's name "
                  "by default"},
      telemetry_options(),
      {.name = "profile",
       .type = OptionType::kChoice,
       .summary = "production refuses debug diagnostics and core dumps",
       .fallback = "production",
       .choices = {"production", "development"}},
      {.name = "core_dumps",
       .type = OptionType::kBoolean,
       .summary = "whether a crash may write its memory, with all messages in it, to a file",
       .fallback = "false"},
      keys_options(),
      sanitize_options(),
      limits_options(),
      memory_options(),
      log_options(),
      monitor_options(),
      {.name = "gears", .type = OptionType::kFree, .summary = "name: {type: ..., options}", .required = true},
      {.name = "wires", .type = OptionType::kFree, .summary = "list of \"from -> to\"", .required = true}};
  return options;
}

}  // namespace fluxrig::rack
