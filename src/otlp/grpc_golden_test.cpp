// The messages that tests/interop/otlp_encoding.test.mjs hands to a gRPC server of another implementation.
#include <gtest/gtest.h>

#include "otlp/encode.hpp"
#include "otlp/grpc_message.hpp"
#include "otlp/otlp_fixture.hpp"
#include "sanitize/test_clean_list.hpp"

namespace fluxrig::otlp {
namespace {

TEST(OtlpGolden, GrpcMessagesAreThoseOfTheFiles) {
  Resource edge = test::edge();
  edge.attributes = {{"host.name", std::string("shop-17")}};
  const auto records = model::golden::records();
  const Batch batch{&edge,
                    sanitize::TestRecords::of(records),
                    model::golden::after(20'000'000'000),
                    model::Lane::kAudit,
                    {120'331}};
  for (const auto signal : model::kAllSignals) {
    const auto out = encode(signal, {&batch, 1}, {});
    ASSERT_EQ(out.payloads.size(), 1U);
    const auto frame = frame_grpc(out.payloads[0].body, GrpcPacking::kPlain);
    const auto bytes = as_bytes(frame);
    model::golden::expect_golden(std::string("otlp/").append(to_string(signal)).append(".grpc"),
                                 Bytes(bytes.begin(), bytes.end()));
  }
}

}  // namespace
}  // namespace fluxrig::otlp
