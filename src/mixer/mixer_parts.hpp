// What a running mixer consists of, for mixer.cpp and mixer_start.cpp alone.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "mixer/api/http_server.hpp"
#include "mixer/control.hpp"
#include "mixer/dead_letter_thread.hpp"
#include "mixer/export_desk.hpp"
#include "mixer/ingest_thread.hpp"
#include "mixer/mixer.hpp"
#include "mixer/nats_server.hpp"
#include "mixer/pressure_thread.hpp"
#include "mixer/rack_commands.hpp"
#include "mixer/receiver.hpp"
#include "mixer/span_intake.hpp"
#include "sink/duckdb_sink.hpp"
#include "snake/dead_letter_box.hpp"
#include "snake/nats_bus.hpp"
#include "snake/pull_consumer.hpp"
#include "snake/streams.hpp"

namespace fluxrig::mixer {

// In the order in which they are built; the destructor of Parts ends them in the opposite order, except where
// ~Mixer says.
struct Mixer::Parts {
  Parts(const Config& settings, const Clock& time, Diagnostics& lines)
      : config(settings), clock(time), diagnostics(lines) {}

  const Config config;
  const Clock& clock;
  Diagnostics& diagnostics;
  RackIndex racks;
  Presence presence;
  IngestCounters counters;
  SinkWatch sink_watch;
  TailHub tail;
  MetricBoard board;
  DecisionDesk decisions;
  std::unique_ptr<SpanIntake> intake;  // null: no spans of services are taken
  std::unique_ptr<Receiver> receiver;
  std::string token;
  std::unique_ptr<NatsServer> server;
  std::unique_ptr<snake::NatsBus> bus;
  std::unique_ptr<snake::StreamAdmin> streams;
  std::unique_ptr<snake::DeadLetterBox> dead_letter_box;
  std::unique_ptr<sink::DuckDbStore> store;
  std::unique_ptr<snake::PullConsumer> audit;
  std::unique_ptr<snake::PullConsumer> telemetry;
  std::unique_ptr<ExportDesk> exporting;  // null: nothing is exported
  std::unique_ptr<RackCommands> commands;
  std::unique_ptr<Api> api;
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<HttpServer> otlp_http;
  std::unique_ptr<IngestThread> ingest;
  std::unique_ptr<DeadLetterThread> dead_letters;
  std::unique_ptr<PressureThread> pressure;
  std::unique_ptr<Control> control;
  // For the API and the pressure thread: set once these run.
  std::atomic<const Control*> control_seen{nullptr};
  std::atomic<const PressureThread*> pressure_seen{nullptr};
  std::atomic<const Receiver*> receiver_seen{nullptr};

  Outcome<void> open_bus();
  Outcome<void> open_store();
  Outcome<void> start_export();
  Outcome<void> start_ingest();
  Outcome<void> start_control();
  Outcome<void> start_api();
  Outcome<void> start_receiver();
  [[nodiscard]] std::vector<StreamFill> stream_fill() const;
  [[nodiscard]] PressureDesk::Parts pressure_parts();
  Outcome<std::unique_ptr<snake::PullConsumer>> open_consumer(std::string_view stream,
                                                              std::string_view durable);
};

}  // namespace fluxrig::mixer
