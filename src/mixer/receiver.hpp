// OTLP/HTTP from customers' services, without HTTP: POST /v1/traces in protobuf or JSON, with gzip or
// without. Spans pass the sanitiser and go into the table of spans beside those of racks; a request is
// answered once it is stored. docs/mixer.md says what is kept. Any thread; outlives its HttpServer.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "mixer/api/http_handler.hpp"
#include "mixer/receive_figures.hpp"
#include "mixer/span_intake.hpp"
#include "otlp/received_answer.hpp"
#include "otlp/received_traces.hpp"

namespace fluxrig::mixer {

class Receiver final : public HttpHandler {
 public:
  static constexpr std::size_t kMaxUnpacked = 16U << 20;
  static constexpr std::chrono::milliseconds kPatience{5'000};  // for the store; clients wait for 10 s
  // From this level of pressure on racks keep their telemetry as well (docs/formats/pressure.md).
  static constexpr std::uint8_t kTooMuch = 2;

  struct Parts {
    SpanIntake& intake;  // outlives this
    std::string token;
    std::function<bool()> under_pressure;  // does not block
  };
  explicit Receiver(Parts parts) : parts_(std::move(parts)) {}

  [[nodiscard]] std::optional<ApiResponse> quick(const ApiRequest& request) const override;
  [[nodiscard]] ApiResponse handle(const ApiRequest& request) const override;
  [[nodiscard]] ApiResponse refuse(unsigned status, std::string_view detail,
                                   std::string_view content_type) const override;

  [[nodiscard]] ReceiveFigures figures() const;

 private:
  [[nodiscard]] ApiResponse refuse_for(ReceiveRefusal cause, unsigned status, std::string_view detail,
                                       std::string_view content_type) const;
  [[nodiscard]] ApiResponse store(otlp::ReceivedTraces traces, const ApiRequest& request,
                                  otlp::Protocol protocol) const;

  Parts parts_;
  // Each stands for itself: relaxed.
  mutable std::atomic<std::uint64_t> requests_{0};
  mutable std::atomic<std::uint64_t> rejected_{0};
  mutable std::array<std::atomic<std::uint64_t>, kReceiveRefusalNames.size()> refused_{};
};

// One span as it may be stored: what is dropped or masked by the name of its key is named in the attribute
// fluxrig.redactions, and everything is searched.
[[nodiscard]] sanitize::CleanRecord cleaned(model::Span span);

}  // namespace fluxrig::mixer
