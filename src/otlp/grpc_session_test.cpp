#include "otlp/grpc_session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "otlp/grpc_message.hpp"
#include "otlp/grpc_status.hpp"
#include "otlp/test_grpc_peer.hpp"

namespace fluxrig::otlp {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using testing::Pair;
using Reply = TestGrpcPeer::Reply;

constexpr unsigned code(GrpcCode value) { return static_cast<unsigned>(value); }

Reply trailers(TestGrpcPeer::Fields fields) {
  Reply reply;
  reply.trailers = std::move(fields);
  return reply;
}

class GrpcSessionTest : public testing::Test {
 protected:
  void start(std::deque<Reply> script, std::uint32_t window = 65'535) {
    peer = std::make_unique<TestGrpcPeer>(std::move(script), window);
    session = std::make_unique<GrpcSession>(GrpcHead{.tls = false,
                                                     .authority = "collector:4317",
                                                     .path = "/trace/Export",
                                                     .user_agent = "me/1",
                                                     .timeout_ms = 2'500,
                                                     .gzip = true,
                                                     .metadata = {{"x-tenant", "seven"}}});
  }
  // Carries bytes to and fro until neither side has any.
  void exchange() {
    for (bool more = true; more;) {
      more = false;
      for (auto piece = session->output(); !piece.empty(); piece = session->output()) {
        ASSERT_TRUE(peer->take(piece));
        more = true;
      }
      const auto answer = peer->output();
      if (answer.empty()) continue;
      more = true;
      if (!session->take(answer)) return;
    }
  }
  Answer call(std::string_view message = "request") {
    session->call(message);
    exchange();
    auto answer = session->answer();
    EXPECT_TRUE(answer);
    return answer.value_or(Answer{});
  }
  Answer answer_to(Reply reply) {
    start({std::move(reply)});
    return call();
  }

  std::unique_ptr<TestGrpcPeer> peer;
  std::unique_ptr<GrpcSession> session;
};

TEST_F(GrpcSessionTest, ACallIsWhatGrpcAsksFor) {
  start({});
  const auto answer = call("hello");
  ASSERT_EQ(peer->calls().size(), 1U);
  const auto& sent = peer->calls()[0];
  EXPECT_EQ(sent.body, "hello");
  for (const auto& [name, value] : TestGrpcPeer::Fields{{":method", "POST"},
                                                        {":scheme", "http"},
                                                        {":path", "/trace/Export"},
                                                        {":authority", "collector:4317"},
                                                        {"te", "trailers"},
                                                        {"content-type", "application/grpc"},
                                                        {"grpc-timeout", "2500m"},
                                                        {"grpc-encoding", "gzip"},
                                                        {"user-agent", "me/1"},
                                                        {"x-tenant", "seven"}})
    EXPECT_THAT(sent.fields, testing::Contains(Pair(name, value)));
  EXPECT_TRUE(answer.is_grpc);
  EXPECT_EQ(answer.status, 0U);
  EXPECT_EQ(answer.body, "");
  EXPECT_FALSE(answer.is_unreadable);
}

TEST_F(GrpcSessionTest, CallsFollowEachOtherOnOneConnection) {
  start({});
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(session->is_ready());
    EXPECT_EQ(call(std::to_string(i)).status, 0U);
  }
  EXPECT_EQ(peer->calls().size(), 100U);
  EXPECT_EQ(peer->calls()[99].body, "99");
  EXPECT_EQ(peer->calls()[99].closed_with, 0U);  // no call is reset that has ended
}

TEST_F(GrpcSessionTest, TheMessageOfAnAnswerIsItsBody) {
  Reply reply;
  reply.body = frame_grpc("\x0a\x02\x08\x04", GrpcPacking::kPlain);
  EXPECT_EQ(answer_to(reply).body, "\x0a\x02\x08\x04");
}

TEST_F(GrpcSessionTest, AFailureIsReadFromTrailersAndFromTrailersOnly) {
  const TestGrpcPeer::Fields fields{
      {"grpc-status", "8"},
      {"grpc-message", "slow%20down%0A"},
      // google.rpc.Status with a RetryInfo of 2.5 s
      {"grpc-status-details-bin",
       "GjYKKHR5cGUuZ29vZ2xlYXBpcy5jb20vZ29vZ2xlLnJwYy5SZXRyeUluZm8SCgoICAIQgMq17gE="}};
  for (const auto& reply : {trailers(fields), TestGrpcPeer::trailers_only(fields)}) {
    const auto answer = answer_to(reply);
    EXPECT_EQ(answer.kind, Answer::Kind::kAnswered);
    EXPECT_EQ(answer.status, code(GrpcCode::kResourceExhausted));
    EXPECT_EQ(answer.why, "slow down?");
    EXPECT_EQ(answer.retry_after_nanos, 2'500 * kNanosPerMilli);
  }
}

TEST_F(GrpcSessionTest, AStatusInTheHeadOfABodyIsNone) {
  Reply reply;
  reply.head.emplace_back("grpc-status", "0");
  reply.trailers = {{"grpc-status", "13"}};
  EXPECT_EQ(answer_to(reply).status, code(GrpcCode::kInternal));
  reply.trailers.clear();
  EXPECT_EQ(answer_to(reply).status, code(GrpcCode::kUnknown));
}

TEST_F(GrpcSessionTest, AnAnswerThatIsNoneOfGrpcIsReadByItsHttpStatus) {
  for (const auto& [http, expected] :
       std::vector<std::pair<std::string, GrpcCode>>{{"200", GrpcCode::kUnknown},
                                                     {"302", GrpcCode::kUnknown},
                                                     {"400", GrpcCode::kInternal},
                                                     {"401", GrpcCode::kUnauthenticated},
                                                     {"403", GrpcCode::kPermissionDenied},
                                                     {"404", GrpcCode::kUnimplemented},
                                                     {"429", GrpcCode::kUnavailable},
                                                     {"500", GrpcCode::kUnknown},
                                                     {"502", GrpcCode::kUnavailable},
                                                     {"503", GrpcCode::kUnavailable},
                                                     {"504", GrpcCode::kUnavailable}}) {
    Reply reply;
    reply.head = {{":status", http}, {"content-type", "text/html"}};
    reply.body = "<html>";
    reply.trailers.clear();
    const auto answer = answer_to(reply);
    EXPECT_EQ(answer.status, code(expected)) << http;
    EXPECT_THAT(answer.why, HasSubstr("HTTP " + http));
  }
}

TEST_F(GrpcSessionTest, AResetIsReadByItsCode) {
  for (const auto& [error, expected] :
       std::vector<std::pair<std::uint32_t, GrpcCode>>{{0, GrpcCode::kInternal},
                                                       {2, GrpcCode::kInternal},
                                                       {7, GrpcCode::kUnavailable},
                                                       {8, GrpcCode::kCancelled},
                                                       {11, GrpcCode::kResourceExhausted},
                                                       {12, GrpcCode::kPermissionDenied},
                                                       {77, GrpcCode::kInternal}}) {
    Reply reply;
    reply.reset = error;
    EXPECT_EQ(answer_to(reply).status, code(expected)) << error;
    EXPECT_TRUE(session->is_ready());
  }
}

TEST_F(GrpcSessionTest, ASuccessWithoutExactlyOneMessageIsUnreadable) {
  const auto one = frame_grpc("", GrpcPacking::kPlain);
  for (const auto& body :
       {""s, one + one, one.substr(0, 4), "\0\0\0\0\5abc"s, frame_grpc("x", GrpcPacking::kGzip)}) {
    Reply reply;
    reply.body = body;
    const auto answer = answer_to(reply);
    EXPECT_EQ(answer.status, 0U);
    EXPECT_TRUE(answer.is_unreadable);
  }
}

TEST_F(GrpcSessionTest, ARequestPassesASmallWindow) {
  start({}, 1'000);
  const std::string message(1'000'000, 'x');
  EXPECT_EQ(call(message).status, 0U);
  EXPECT_EQ(peer->calls()[0].body, message);
}

TEST_F(GrpcSessionTest, AWindowThatStaysShutEndsNothingByItself) {
  start({}, 0);
  exchange();
  session->call("request");
  exchange();
  EXPECT_FALSE(session->answer());
  EXPECT_FALSE(session->is_over());
  EXPECT_FALSE(session->is_ready());
}

TEST_F(GrpcSessionTest, AnAnswerBeforeTheEndOfTheRequestCounts) {
  auto reply = TestGrpcPeer::trailers_only({{"grpc-status", "3"}});
  reply.early = true;
  start({reply}, 1'000);
  EXPECT_EQ(call(std::string(1'000'000, 'x')).status, code(GrpcCode::kInvalidArgument));
  EXPECT_LT(peer->calls()[0].body.size(), 100'000U);
  ASSERT_TRUE(session->is_ready());
  EXPECT_EQ(call("next").status, 0U);
  EXPECT_EQ(peer->calls()[1].body, "next");
}

TEST_F(GrpcSessionTest, InterimAnswersArePassedOverButNotForEver) {
  Reply reply;
  reply.interim = GrpcSession::kMaxInterim;
  EXPECT_EQ(answer_to(reply).status, 0U);
  ++reply.interim;
  const auto answer = answer_to(reply);
  EXPECT_EQ(answer.kind, Answer::Kind::kNone);
  EXPECT_THAT(answer.why, HasSubstr("interim"));
}

TEST_F(GrpcSessionTest, AnAnswerOver4MiBIsNotReadToItsEnd) {
  Reply reply;
  reply.body = frame_grpc(std::string(kMaxResponseBytes, 'x'), GrpcPacking::kPlain);
  EXPECT_EQ(answer_to(reply).body.size(), kMaxResponseBytes);
  reply.body += std::string(kMaxResponseBytes, 'x');
  EXPECT_EQ(answer_to(reply).kind, Answer::Kind::kTooLarge);
  EXPECT_NE(peer->calls()[0].closed_with, 0U);
  EXPECT_TRUE(session->is_ready());
}

TEST_F(GrpcSessionTest, FieldsOverTheirLimitAreNotKept) {
  auto reply = TestGrpcPeer::trailers_only({{"grpc-status", "0"}});
  for (int i = 0; i < 4; ++i) reply.head.emplace_back("x-" + std::to_string(i), std::string(5'000, 'x'));
  EXPECT_EQ(answer_to(reply).kind, Answer::Kind::kTooLarge);
}

TEST_F(GrpcSessionTest, AGoodbyeLetsACallEndAndNoOtherBegin) {
  start({});
  session->call("request");
  peer->leave(INT32_MAX);
  exchange();
  EXPECT_EQ(session->answer().value_or(Answer{}).status, 0U);
  EXPECT_FALSE(session->is_ready());
  EXPECT_TRUE(session->is_over());
}

TEST_F(GrpcSessionTest, AGoodbyeToTheCallItselfMayBeRetried) {
  Reply silent;
  silent.silent = true;
  start({silent});
  session->call("request");
  exchange();
  peer->leave(0);
  exchange();
  const auto answer = session->answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, code(GrpcCode::kUnavailable));
  EXPECT_TRUE(session->is_over());
}

TEST_F(GrpcSessionTest, WhatIsNoHttp2EndsTheConnection) {
  for (const auto& bytes :
       {"HTTP/1.1 400 Bad Request\r\n\r\n"s, std::string(100, '\xff'), std::string(100, '\0')}) {
    start({});
    session->call("request");
    (void)session->take(bytes);
    while (!session->output().empty()) {
    }
    const auto answer = session->answer();
    ASSERT_TRUE(answer) << bytes;
    EXPECT_EQ(answer->kind, Answer::Kind::kNone);
    EXPECT_TRUE(session->is_over());
  }
}

TEST_F(GrpcSessionTest, AConnectionThatBreaksIsNoAnswer) {
  start({});
  session->call("request");
  session->end("cut");
  const auto answer = session->answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->kind, Answer::Kind::kNone);
  EXPECT_EQ(answer->why, "cut");
  EXPECT_FALSE(session->take("more"));
}

TEST_F(GrpcSessionTest, PingsAreAnsweredAndAFloodOfThemEndsTheConnection) {
  start({});
  EXPECT_EQ(call().status, 0U);
  peer->ping();
  exchange();
  EXPECT_EQ(peer->pongs(), 1U);
  EXPECT_TRUE(session->is_ready());
  for (int i = 0; i < 10'000 && !session->is_over(); ++i) {
    peer->ping();
    exchange();
  }
  EXPECT_TRUE(session->is_over());
  EXPECT_LT(peer->pongs(), 5'000U);
}

}  // namespace
}  // namespace fluxrig::otlp
