#include "snake/stream_plan.hpp"

#include <algorithm>
#include <cstring>

#include "snake/subjects.hpp"

namespace fluxrig::snake {
namespace {

// 0 and -1 both mean that there is none.
bool same_limit(std::int64_t a, std::int64_t b) { return a == b || (a <= 0 && b <= 0); }

}  // namespace

std::vector<StreamPlan> stream_plans(const StreamSizes& sizes) {
  return {{kStreamMessages, {"flux.msg.>"}, sizes.message_bytes, js_DiscardNew, sizes.message_age},
          {kStreamAudit, {"flux.audit.*"}, sizes.audit_bytes, js_DiscardNew, {}},
          {kStreamTelemetry, {"flux.telemetry.*"}, sizes.telemetry_bytes, js_DiscardNew, {}},
          {kStreamDeadLetters, {"flux.dlq.>"}, sizes.dead_letter_bytes, js_DiscardOld, sizes.dead_letter_age},
          {kStreamAdvisories,
           {"$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.FLUX_MSG.*",
            "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.FLUX_MSG.*"},
           sizes.advisory_bytes,
           js_DiscardOld,
           sizes.message_age}};
}

jsStreamConfig to_config(StreamPlan& plan, const StreamSizes& sizes) {
  jsStreamConfig config;
  (void)jsStreamConfig_Init(&config);
  config.Name = plan.name.data();
  config.Subjects = plan.subjects.data();
  config.SubjectsLen = static_cast<int>(plan.subjects.size());
  config.Retention = js_LimitsPolicy;
  config.MaxBytes = plan.bytes;
  config.MaxAge = plan.age.count();
  config.Discard = plan.discard;
  config.Storage = js_FileStorage;
  config.AllowDirect = plan.name == kStreamDeadLetters;  // DeadLetterBox reads the next one there is
  config.Replicas = sizes.replicas;
  config.Duplicates = std::chrono::nanoseconds(sizes.duplicate_window).count();
  return config;
}

bool is_as_planned(const jsStreamConfig& a, const jsStreamConfig& b) {
  if (a.SubjectsLen != b.SubjectsLen) return false;
  for (int i = 0; i < a.SubjectsLen; ++i)
    if (std::strcmp(a.Subjects[i], b.Subjects[i]) != 0) return false;
  return a.MaxBytes == b.MaxBytes && a.MaxAge == b.MaxAge && a.Discard == b.Discard &&
         a.Duplicates == b.Duplicates && a.Replicas == b.Replicas && a.AllowDirect == b.AllowDirect &&
         a.NoAck == b.NoAck && same_limit(a.MaxMsgs, b.MaxMsgs) && same_limit(a.MaxMsgSize, b.MaxMsgSize) &&
         same_limit(a.MaxMsgsPerSubject, b.MaxMsgsPerSubject);
}

void keep_fixed(jsStreamConfig& config, const jsStreamConfig& existing) {
  config.Storage = existing.Storage;
  config.Retention = existing.Retention;
  config.Sealed = existing.Sealed;
  config.DenyPurge = existing.DenyPurge;
  config.DenyDelete = existing.DenyDelete;
  config.Replicas = std::max(config.Replicas, existing.Replicas);
}

}  // namespace fluxrig::snake
