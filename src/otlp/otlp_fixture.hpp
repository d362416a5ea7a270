// One rack, its golden records, and bodies of them as text. Tests only.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "model/golden_records.hpp"
#include "otlp/encode.hpp"
#include "sanitize/test_clean_list.hpp"

namespace fluxrig::otlp::test {

inline Resource edge() { return {model::golden::machine_id(), {2}, "edge", "0.1.0", "", {}}; }

struct Fixture : testing::Test {
  Resource resource = edge();
  std::vector<model::Record> records;
  UnixNanos received;
  Sequence first;

  [[nodiscard]] Encoded encoded(model::Signal signal, Options options) const {
    const Batch batch{&resource, sanitize::TestRecords::of(records), received, model::Lane::kAudit, first};
    return encode(signal, {&batch, 1}, options);
  }
  // Of the only item.
  [[nodiscard]] std::string json(model::Signal signal) const {
    const auto out = encoded(signal, {.encoding = Encoding::kJson, .limits = {}});
    EXPECT_EQ(out.payloads.size(), 1U);
    EXPECT_EQ(out.oversize, 0U);
    return out.payloads.empty() ? std::string() : out.payloads.front().body;
  }
  [[nodiscard]] std::string span_json() const { return json(model::Signal::kSpans); }
  [[nodiscard]] std::string log_json() const { return json(model::Signal::kLogs); }
  [[nodiscard]] std::string metric_json() const { return json(model::Signal::kMetrics); }
};

// {"key":"a","value":{"stringValue":"b"}}
inline std::string pair_json(std::string_view key, std::string_view value) {
  return std::string("{\"key\":\"").append(key).append("\",\"value\":").append(value).append("}");
}
inline std::string text_json(std::string_view key, std::string_view text) {
  return pair_json(key, std::string("{\"stringValue\":\"").append(text).append("\"}"));
}

inline std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size()))
    ++count;
  return count;
}

}  // namespace fluxrig::otlp::test
