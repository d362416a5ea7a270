#include "mixer/receiver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mixer/api/token.hpp"
#include "otlp/gzip.hpp"
#include "sanitize/policy.hpp"
#include "sanitize/sanitizer.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::string_view kTraces = "/v1/traces";

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// Names of media types and encodings are the same in any case; parameters do not matter.
bool is_word(std::string_view header, std::string_view word) {
  header = header.substr(0, header.find(';'));
  while (!header.empty() && (header.back() == ' ' || header.back() == '\t')) header.remove_suffix(1);
  return std::equal(header.begin(), header.end(), word.begin(), word.end(),
                    [](char a, char b) { return lower(a) == b; });
}

std::optional<otlp::Protocol> protocol_of(std::string_view content_type) {
  if (is_word(content_type, "application/x-protobuf")) return otlp::Protocol::kHttpProtobuf;
  if (is_word(content_type, "application/json")) return otlp::Protocol::kHttpJson;
  return std::nullopt;
}

std::string_view type_of(otlp::Protocol protocol) {
  return protocol == otlp::Protocol::kHttpJson ? "application/json" : "application/x-protobuf";
}

otlp::GrpcCode code_of(unsigned status) {
  switch (status) {
    case 401:
      return otlp::GrpcCode::kUnauthenticated;
    case 404:
    case 405:
      return otlp::GrpcCode::kUnimplemented;
    case 413:
      return otlp::GrpcCode::kResourceExhausted;
    case 503:
      return otlp::GrpcCode::kUnavailable;
    default:
      return otlp::GrpcCode::kInvalidArgument;
  }
}

ReceiveRefusal cause_of(unsigned status) {
  if (status == 413) return ReceiveRefusal::kOversize;
  return status == 503 ? ReceiveRefusal::kBusy : ReceiveRefusal::kMalformed;
}

std::string text_of(const model::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *whole);
  if (const auto* real = std::get_if<double>(&value)) return fmt::format("{}", *real);
  return std::get<bool>(value) ? "true" : "false";
}

}  // namespace

class StatusMaker {
 public:
  // The detail is ours; searched all the same.
  static ReplyText refusal(otlp::GrpcCode code, std::string_view detail, otlp::Protocol protocol) {
    return {ReplyText::Clean{}, otlp::encode_status(code, sanitize::mask_card_numbers(detail), protocol)};
  }
  // Its reason is a literal of otlp::decode_traces.
  static ReplyText accepted(const otlp::PartialSuccess& partial, otlp::Protocol protocol) {
    return {ReplyText::Clean{}, otlp::encode_response(partial, protocol)};
  }
};

// The mixer has no key to make tokens with: what a rack would replace by one is masked here.
sanitize::CleanRecord cleaned(model::Span span) {
  std::string redactions;
  std::vector<model::Attribute> kept;
  kept.reserve(span.attributes.size() + 1);
  for (auto& attribute : span.attributes) {
    const auto action = sanitize::json_action(attribute.key);
    if (action > sanitize::Action::kKeep)
      redactions += fmt::format("{}{} {}", redactions.empty() ? "" : ", ", attribute.key,
                                action == sanitize::Action::kDrop ? "drop" : "mask");
    if (action == sanitize::Action::kDrop) continue;
    // The search goes first: a mask over another encoding would leave parts that it does not know any more.
    if (action > sanitize::Action::kKeep)
      attribute.value = sanitize::mask(sanitize::mask_card_numbers(text_of(attribute.value)));
    kept.push_back(std::move(attribute));
  }
  if (!redactions.empty()) kept.push_back({"fluxrig.redactions", std::move(redactions)});
  span.attributes = std::move(kept);
  return sanitize::clean(std::move(span));
}

ApiResponse Receiver::refuse_for(ReceiveRefusal cause, unsigned status, std::string_view detail,
                                 std::string_view content_type) const {
  refused_[static_cast<std::size_t>(cause)].fetch_add(1, std::memory_order_relaxed);
  // Who sends something else reads JSON at least as well.
  const auto protocol = protocol_of(content_type).value_or(otlp::Protocol::kHttpJson);
  ApiResponse response;
  response.status = status;
  response.content_type = type_of(protocol);
  response.body = StatusMaker::refusal(code_of(status), detail, protocol);
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"fluxrig\"");
  if (status == 405) response.headers.emplace_back("Allow", "POST");
  if (status == 503)
    response.headers.emplace_back("Retry-After", cause == ReceiveRefusal::kPressure ? "5" : "1");
  return response;
}

ApiResponse Receiver::refuse(unsigned status, std::string_view detail, std::string_view content_type) const {
  return refuse_for(cause_of(status), status, detail, content_type);
}

std::optional<ApiResponse> Receiver::quick(const ApiRequest& request) const {
  const auto& type = request.content_type;
  using enum ReceiveRefusal;
  if (!authorizes(request.authorization, parts_.token))
    return refuse_for(kUnauthorized, 401,
                      "send the token of the mixer's otlp-token file: Authorization: Bearer <token>", type);
  if (request.path == "/v1/metrics" || request.path == "/v1/logs")
    return refuse_for(kNotFound, 404, "only traces are taken here: switch off the exporter of this signal",
                      type);
  if (request.path != kTraces)
    return refuse_for(kNotFound, 404, "no such resource; traces go to /v1/traces", type);
  if (request.method != "POST") return refuse_for(kNotFound, 405, "use POST", type);
  if (!protocol_of(type))
    return refuse_for(kUnsupported, 415,
                      "the Content-Type must be application/x-protobuf or application/json", type);
  const auto& encoding = request.content_encoding;
  if (!encoding.empty() && !is_word(encoding, "gzip") && !is_word(encoding, "identity"))
    return refuse_for(kUnsupported, 415, "the Content-Encoding must be gzip, or none", type);
  if (parts_.under_pressure()) return refuse_for(kPressure, 503, "the mixer is under pressure", type);
  return std::nullopt;
}

ApiResponse Receiver::handle(const ApiRequest& request) const {
  const auto protocol = protocol_of(request.content_type).value_or(otlp::Protocol::kHttpJson);
  std::string unpacked;
  if (is_word(request.content_encoding, "gzip")) {
    auto whole = otlp::gunzip(request.body, kMaxUnpacked);
    if (!whole && whole.error().code == ErrorCode::kOversize)
      return refuse_for(ReceiveRefusal::kOversize, 413, "the body unpacks to more than 16 MiB",
                        request.content_type);
    if (!whole)
      return refuse_for(ReceiveRefusal::kMalformed, 400, "the body is not one whole gzip stream",
                        request.content_type);
    unpacked = *std::move(whole);
  }
  auto traces =
      otlp::decode_traces(is_word(request.content_encoding, "gzip") ? unpacked : request.body, protocol);
  if (!traces && traces.error().code == ErrorCode::kOversize)
    return refuse_for(ReceiveRefusal::kOversize, 413, traces.error().detail, request.content_type);
  if (!traces)
    return refuse_for(ReceiveRefusal::kMalformed, 400, traces.error().detail, request.content_type);
  return store(*std::move(traces), request, protocol);
}

ApiResponse Receiver::store(otlp::ReceivedTraces traces, const ApiRequest& request,
                            otlp::Protocol protocol) const {
  std::vector<sanitize::CleanRecord> spans;
  spans.reserve(traces.spans.size());
  for (auto& span : traces.spans) spans.push_back(cleaned(std::move(span)));
  traces.spans.clear();
  using enum SpanIntake::Verdict;
  const auto verdict =
      spans.empty() ? kStored : parts_.intake.store(std::move(spans), traces.bytes, kPatience);
  if (verdict == kFull)
    return refuse_for(ReceiveRefusal::kBusy, 503, "too many spans wait already", request.content_type);
  if (verdict != kStored)
    return refuse_for(ReceiveRefusal::kStore, 503, "the store does not take them now", request.content_type);
  requests_.fetch_add(1, std::memory_order_relaxed);
  rejected_.fetch_add(traces.rejected, std::memory_order_relaxed);
  ApiResponse response;
  response.content_type = type_of(protocol);
  response.body = StatusMaker::accepted({traces.rejected, traces.reason}, protocol);
  return response;
}

ReceiveFigures Receiver::figures() const {
  const auto load = [](const auto& counter) { return counter.load(std::memory_order_relaxed); };
  ReceiveFigures figures{
      load(requests_), parts_.intake.stored(), parts_.intake.duplicates(), load(rejected_), {}};
  for (std::size_t i = 0; i < refused_.size(); ++i) figures.refused[i] = load(refused_[i]);
  return figures;
}

}  // namespace fluxrig::mixer
