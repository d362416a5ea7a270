#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "otlp/exporter.hpp"
#include "otlp/exporter_fixture.hpp"
#include "otlp/grpc_message.hpp"
#include "otlp/test_grpc_back_end.hpp"

namespace fluxrig::otlp {
namespace {

using testing::Contains;
using testing::Pair;
using Reply = TestGrpcPeer::Reply;

class ExporterGrpcTest : public ExporterFixture {
 protected:
  static ExportSettings grpc_settings_for(std::uint16_t port) {
    auto settings = settings_for(port);
    settings.general.protocol = Protocol::kGrpc;
    return settings;
  }
};

Reply status(std::string_view code) {
  return TestGrpcPeer::trailers_only({{"grpc-status", std::string(code)}});
}

TEST_F(ExporterGrpcTest, ACallGoesToTheServiceOfItsSignal) {
  for (const auto& [signal, service] : {std::pair{Signal::kSpans, "trace.v1.TraceService"},
                                        std::pair{Signal::kMetrics, "metrics.v1.MetricsService"},
                                        std::pair{Signal::kLogs, "logs.v1.LogsService"}}) {
    TestGrpcBackEnd back_end;
    auto settings = grpc_settings_for(back_end.port());
    settings.general.headers = TextPairs{{"X-Tenant", " seven "}};
    settings.signals = {};
    start(settings);
    exporter->offer(signal, {"hello", 3});
    settle(signal);
    EXPECT_EQ(exporter->counters(signal)->delivered.load(), 3U);
    const auto calls = back_end.calls();
    ASSERT_EQ(calls.size(), 1U);
    const auto& sent = calls[0].call;
    EXPECT_EQ(sent.body, frame_grpc("hello", GrpcPacking::kPlain));
    EXPECT_EQ(sent.fields.at(":path"), fmt::format("/opentelemetry.proto.collector.{}/Export", service));
    EXPECT_EQ(sent.fields.at(":authority"), fmt::format("127.0.0.1:{}", back_end.port()));
    EXPECT_EQ(sent.fields.at("x-tenant"), "seven");
    EXPECT_EQ(sent.fields.at("user-agent"), "OTel-OTLP-Exporter-fluxrig/1.2.3");
    exporter.reset();
  }
}

TEST_F(ExporterGrpcTest, TheConnectionIsKept) {
  TestGrpcBackEnd back_end;
  start(grpc_settings_for(back_end.port()));
  for (int i = 0; i < 20; ++i) offer(std::to_string(i));
  settle();
  const auto calls = back_end.calls();
  ASSERT_EQ(calls.size(), 20U);
  for (const auto& call : calls) EXPECT_EQ(call.connection, 1);
  EXPECT_EQ(counters().delivered.load(), 20U);
}

TEST_F(ExporterGrpcTest, WhatMayBeRetriedIsRetriedWithTheSameBytes) {
  Reply reset;
  reset.reset = 7;
  TestGrpcBackEnd back_end(
      {status("14"), status("1"), status("4"), status("10"), status("11"), status("15"), reset});
  auto settings = grpc_settings_for(back_end.port());
  settings.general.compression = Compression::kGzip;
  start(settings);
  offer(std::string(100'000, 'x'));
  settle();
  const auto calls = back_end.calls();
  ASSERT_EQ(calls.size(), 8U);
  for (const auto& [call, connection] : calls) {
    EXPECT_EQ(call.body, calls[0].call.body);
    EXPECT_THAT(call.fields, Contains(Pair("grpc-encoding", "gzip")));
  }
  EXPECT_EQ(calls[0].call.body[0], '\1');
  EXPECT_EQ(counters().retries.load(), 7U);
  EXPECT_EQ(counters().delivered.load(), 1U);
}

TEST_F(ExporterGrpcTest, WhatMayNotBeRetriedIsDroppedAndCounted) {
  const std::vector<std::string> codes{"2", "3", "5", "6", "7", "8", "9", "12", "13", "16", "99"};
  std::deque<Reply> script;
  for (const auto& code : codes) script.push_back(status(code));
  TestGrpcBackEnd back_end(script);
  start(grpc_settings_for(back_end.port()));
  for (std::size_t i = 0; i < codes.size(); ++i) offer("a", 2);
  settle();
  EXPECT_EQ(counters().drops(ExportDrop::kRefused), 2 * codes.size());
  EXPECT_EQ(counters().retries.load(), 0U);
}

TEST_F(ExporterGrpcTest, AGoodbyeOpensAnotherConnectionWithoutARetry) {
  TestGrpcBackEnd back_end;
  start(grpc_settings_for(back_end.port()));
  offer("a");
  settle();
  back_end.leave();
  offer("b");
  settle();
  offer("c");
  settle();
  const auto calls = back_end.calls();
  ASSERT_EQ(calls.size(), 3U);
  EXPECT_EQ(calls[1].connection, 1);
  EXPECT_EQ(calls[2].connection, 2);
  EXPECT_EQ(counters().retries.load(), 0U);
  EXPECT_EQ(counters().delivered.load(), 3U);
}

TEST_F(ExporterGrpcTest, SilenceEndsWithTheTimeout) {
  Reply silent;
  silent.silent = true;
  TestGrpcBackEnd back_end({silent});
  auto settings = grpc_settings_for(back_end.port());
  settings.general.timeout_ms = 50;
  start(settings);
  offer("a");
  settle();
  EXPECT_EQ(counters().retries.load(), 1U);
  EXPECT_EQ(counters().delivered.load(), 1U);
}

TEST_F(ExporterGrpcTest, ARejectedPartIsCountedAndNotSentAgain) {
  Reply partial;
  partial.body = frame_grpc("\x0a\x02\x08\x04", GrpcPacking::kPlain);
  TestGrpcBackEnd back_end({partial});
  start(grpc_settings_for(back_end.port()));
  offer("a", 10);
  settle();
  EXPECT_EQ(counters().rejected.load(), 4U);
  EXPECT_EQ(counters().delivered.load(), 6U);
  EXPECT_EQ(back_end.calls().size(), 1U);
}

TEST_F(ExporterGrpcTest, AnAnswerThatCannotBeReadIsDelivered) {
  Reply reply;
  reply.body = "no frame";
  TestGrpcBackEnd back_end({reply});
  start(grpc_settings_for(back_end.port()));
  offer("a", 10);
  settle();
  EXPECT_EQ(counters().unreadable_answers.load(), 1U);
  EXPECT_EQ(counters().delivered.load(), 10U);
}

TEST_F(ExporterGrpcTest, ALargeRequestArrivesWhole) {
  TestGrpcBackEnd back_end;
  start(grpc_settings_for(back_end.port()));
  offer(std::string(4U << 20, 'x'));
  settle();
  ASSERT_EQ(back_end.calls().size(), 1U);
  EXPECT_EQ(back_end.calls()[0].call.body.size(), (4U << 20) + kGrpcPrefixBytes);
}

TEST_F(ExporterGrpcTest, TheEndFlushesWhatWaits) {
  TestGrpcBackEnd back_end;
  start(grpc_settings_for(back_end.port()));
  for (int i = 0; i < 50; ++i) offer(std::to_string(i));
  exporter.reset();
  EXPECT_EQ(back_end.calls().size(), 50U);
}

}  // namespace
}  // namespace fluxrig::otlp
