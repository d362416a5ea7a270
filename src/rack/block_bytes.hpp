// Blocks of telemetry lanes as the bus takes them. They are made of CleanRecords and of nothing else
// (tap::AuditOutput, tap::TelemetryOutput), and come out of memory or a lane's own disk. Any thread.
#pragma once

#include "lane/telemetry_block.hpp"
#include "rack/audit_shipper.hpp"
#include "sanitize/clean_bytes.hpp"

namespace fluxrig::rack {

struct BlockBytes {
  [[nodiscard]] static sanitize::CleanBytes of(const AuditShipper::Message& message) {
    return sanitize::CleanBytes(message.payload);
  }
  [[nodiscard]] static sanitize::CleanBytes of(const lane::TelemetryBlock& block) {
    return sanitize::CleanBytes(block.bytes);
  }
};

}  // namespace fluxrig::rack
