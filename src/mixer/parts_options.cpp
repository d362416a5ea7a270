#include "mixer/parts_options.hpp"

namespace fluxrig::mixer {

RackIndex::Names racks_of(const snake::CertificateIndex& index) {
  RackIndex::Names names;
  for (const auto& entry : index.entries)
    if (entry.role == snake::CertificateRole::kRack && entry.machine_id)
      names[*entry.machine_id] = entry.name;
  return names;
}

snake::StreamSizes stream_sizes(const Config::Streams& streams) {
  snake::StreamSizes sizes;
  sizes.message_bytes = static_cast<std::int64_t>(streams.messages_bytes);
  sizes.audit_bytes = static_cast<std::int64_t>(streams.audit_bytes);
  sizes.telemetry_bytes = static_cast<std::int64_t>(streams.telemetry_bytes);
  sizes.dead_letter_bytes = static_cast<std::int64_t>(streams.dead_letters_bytes);
  sizes.replicas = static_cast<int>(streams.replicas);
  return sizes;
}

HttpOptions http_options(const Config& config) {
  HttpOptions options;
  options.listen = config.listen_api;
  options.certificate = config.tls_certificate;
  options.key = config.tls_key;
  return options;
}

HttpOptions receive_options(const Config& config) {
  auto options = http_options(config);
  options.listen = *config.listen_otlp;
  options.key_path = "listen.otlp";
  options.area = "mixer.receive";
  options.connections = 64;
  options.workers = 4;  // each holds one request, unpacked, until the store has it
  options.queued_queries = 16;
  options.body_bytes = 4U << 20;
  return options;
}

PressureDesk::Options pressure_options(const Config& config) {
  PressureDesk::Options options;
  options.commit_target_nanos = static_cast<std::int64_t>(config.pressure.commit_target_ms) * kNanosPerMilli;
  options.least_free_disk = config.pressure.least_free_disk;
  options.least_free_memory = config.pressure.least_free_memory;
  return options;
}

}  // namespace fluxrig::mixer
