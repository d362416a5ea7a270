#include "otlp/exporter.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "otlp/exporter_fixture.hpp"
#include "otlp/test_back_end.hpp"

namespace fluxrig::otlp {
namespace {

using testing::HasSubstr;

std::string answer(unsigned status, std::string_view fields = "", std::string_view body = "") {
  return fmt::format("HTTP/1.1 {} X\r\n{}content-length: {}\r\n\r\n{}", status, fields, body.size(), body);
}

using ExporterTest = ExporterFixture;

TEST_F(ExporterTest, ARequestIsWhatTheSpecificationAsksFor) {
  TestBackEnd back_end;
  auto settings = settings_for(back_end.port());
  settings.general.headers = TextPairs{{"authorization", "Bearer x"}};
  start(settings);
  offer("hello", 3);
  settle();
  const auto requests = back_end.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].body, "hello");
  EXPECT_THAT(requests[0].head, HasSubstr("POST /v1/traces HTTP/1.1\r\n"));
  EXPECT_THAT(requests[0].head, HasSubstr(fmt::format("host: 127.0.0.1:{}\r\n", back_end.port())));
  EXPECT_THAT(requests[0].head, HasSubstr("content-type: application/x-protobuf\r\n"));
  EXPECT_THAT(requests[0].head, HasSubstr("user-agent: OTel-OTLP-Exporter-fluxrig/1.2.3\r\n"));
  EXPECT_THAT(requests[0].head, HasSubstr("authorization: Bearer x\r\n"));
  EXPECT_EQ(counters().delivered.load(), 3U);
}

TEST_F(ExporterTest, TheConnectionIsKept) {
  TestBackEnd back_end;
  start(settings_for(back_end.port()));
  for (int i = 0; i < 20; ++i) offer(std::to_string(i));
  settle();
  const auto requests = back_end.requests();
  ASSERT_EQ(requests.size(), 20U);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(requests[static_cast<std::size_t>(i)].body, std::to_string(i));
    EXPECT_EQ(requests[static_cast<std::size_t>(i)].connection, 1);
  }
}

TEST_F(ExporterTest, AConnectionThatWasClosedIsOpenedAgainWithoutARetry) {
  TestBackEnd back_end({answer(200, "connection: close\r\n"), TestBackEnd::kOk});
  start(settings_for(back_end.port()));
  offer("a");
  settle();
  offer("b");
  settle();
  EXPECT_EQ(back_end.requests().back().connection, 2);
  EXPECT_EQ(counters().retries.load(), 0U);
  EXPECT_EQ(counters().delivered.load(), 2U);
}

TEST_F(ExporterTest, WhatMayBeRetriedIsRetried) {
  const std::vector<std::string> troubles{
      answer(503),
      answer(429),
      TestBackEnd::kCut,
      "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 9\r\n\r\nshort",
      "HTTP/1.1 200 OK\r\nx-connection: close",
      "no HTTP at all, connection: close\r\n\r\n"};
  for (const auto& trouble : troubles) {
    TestBackEnd back_end({trouble});
    start(settings_for(back_end.port()));
    offer("a");
    settle();
    EXPECT_EQ(back_end.requests().size(), 2U) << trouble;
    EXPECT_EQ(counters().retries.load(), 1U) << trouble;
    EXPECT_EQ(counters().delivered.load(), 1U) << trouble;
    exporter.reset();
  }
}

TEST_F(ExporterTest, RetryAfterInSecondsIsWaitedFor) {
  TestBackEnd back_end({answer(503, "Retry-After: 1\r\n")});
  start(settings_for(back_end.port()));
  const auto began = std::chrono::steady_clock::now();
  offer("a");
  settle();
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::seconds(1));
  EXPECT_EQ(counters().delivered.load(), 1U);
}

TEST_F(ExporterTest, AnswersOver4MiBAreNotReadAndNotRetried) {
  TestBackEnd back_end({answer(200, "connection: close\r\n", std::string(kMaxResponseBytes + 1, 'x'))});
  start(settings_for(back_end.port()));
  offer("a", 5);
  settle();
  EXPECT_EQ(counters().drops(ExportDrop::kUnusable), 5U);
  EXPECT_EQ(back_end.requests().size(), 1U);
}

TEST_F(ExporterTest, AHeadWithoutEndIsNotReadAndNotRetried) {
  TestBackEnd back_end({"HTTP/1.1 200 OK\r\nx-connection: close\r\n" + std::string(1U << 20, 'x')});
  start(settings_for(back_end.port()));
  offer("a", 5);
  settle();
  EXPECT_EQ(counters().drops(ExportDrop::kUnusable), 5U);
}

TEST_F(ExporterTest, InterimAnswersArePassedOver) {
  TestBackEnd back_end({"HTTP/1.1 100 Continue\r\n\r\n" + std::string(TestBackEnd::kOk)});
  start(settings_for(back_end.port()));
  offer("a");
  settle();
  EXPECT_EQ(counters().delivered.load(), 1U);
  EXPECT_EQ(counters().attempts.load(), 1U);
}

TEST_F(ExporterTest, SilenceEndsWithTheTimeout) {
  TestBackEnd back_end({TestBackEnd::kSilence});
  auto settings = settings_for(back_end.port());
  settings.general.timeout_ms = 50;
  start(settings);
  offer("a");
  settle();
  EXPECT_EQ(back_end.requests().size(), 2U);
  EXPECT_EQ(counters().delivered.load(), 1U);
}

TEST_F(ExporterTest, BodiesArePackedWithGzip) {
  TestBackEnd back_end({answer(503)});
  auto settings = settings_for(back_end.port());
  settings.general.compression = Compression::kGzip;
  start(settings);
  offer(std::string(100'000, 'x'));
  settle();
  const auto requests = back_end.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_LT(requests[0].body.size(), 1'000U);
  EXPECT_EQ(requests[0].body.substr(0, 2), "\x1f\x8b");
  EXPECT_EQ(requests[0].body, requests[1].body);
  EXPECT_THAT(requests[0].head, HasSubstr("content-encoding: gzip\r\n"));
}

TEST_F(ExporterTest, TheEndFlushesWhatWaits) {
  TestBackEnd back_end;
  start(settings_for(back_end.port()));
  for (int i = 0; i < 50; ++i) offer(std::to_string(i));
  exporter.reset();
  EXPECT_EQ(back_end.requests().size(), 50U);
}

TEST_F(ExporterTest, ABackEndThatHangsHoldsTheEndNoLongerThanTheFlush) {
  TestBackEnd back_end({}, TestBackEnd::kSilence);
  start(settings_for(back_end.port()));
  offer("a");
  offer("b");
  ASSERT_TRUE(back_end.wait_for(1));
  const auto began = std::chrono::steady_clock::now();
  exporter.reset();
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_GE(took, std::chrono::milliseconds(400));
  EXPECT_LT(took, std::chrono::milliseconds(4'000));
}

TEST_F(ExporterTest, ABackEndThatIsAwayDoesNotHoldTheEnd) {
  std::uint16_t port = 0;
  {
    const TestBackEnd gone;
    port = gone.port();
  }
  auto settings = settings_for(port);
  settings.flush_ms = 60'000;
  start(settings);
  offer("a");
  const auto began = std::chrono::steady_clock::now();
  exporter.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
}

TEST_F(ExporterTest, OfferingCostsNothingWhileTheBackEndHangs) {
  TestBackEnd back_end({}, TestBackEnd::kSilence);
  auto settings = settings_for(back_end.port());
  settings.queue_bytes = 1U << 20;
  start(settings);
  for (int i = 0; i < 1'000; ++i) offer(std::string(64U << 10, 'x'));
  EXPECT_LE(exporter->queue_bytes(Signal::kSpans), 1U << 20);
  EXPECT_GT(exporter->saturation(), 0.9);
  EXPECT_GE(counters().drops(ExportDrop::kQueueFull), 980U);
  EXPECT_EQ(exporter->counters(Signal::kLogs), nullptr);
}

TEST_F(ExporterTest, FilesThatCannotBeReadAreNamedAtTheStart) {
  auto settings = settings_for(1);
  settings.general.endpoint->tls = true;
  settings.general.ca = "/nonexistent/ca.pem";
  const auto started = Exporter::start(settings, "1", clock, diagnostics);
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message,
              HasSubstr("export of traces: cannot use the authority '/nonexistent/ca.pem'"));
}

}  // namespace
}  // namespace fluxrig::otlp
