// The gear `iso8583`: a codec that stands before a tcp_client (it encodes requests and decodes replies) or
// behind a tcp_server (the other way round). docs/gears/iso8583.md.
#include <fmt/core.h>

#include <array>
#include <memory>

#include "gear/catalogue.hpp"
#include "gear/gear.hpp"
#include "gear/iso8583/codec.hpp"
#include "gear/iso8583/message_type.hpp"
#include "gear/iso8583/originals.hpp"
#include "gear/services.hpp"
#include "gear/transaction.hpp"
#include "sanitize/excerpt.hpp"

namespace fluxrig::gear {

namespace {

using namespace iso8583;

constexpr unsigned kRetrievalReference = 37;
constexpr std::string_view kPrimaryAccountNumber = "2";

std::vector<unsigned> element_numbers(const std::vector<std::string>& names) {
  std::vector<unsigned> numbers;
  for (const auto& name : names) numbers.push_back(element_number(name));
  return numbers;
}

class Iso8583Gear final : public Gear {
 public:
  explicit Iso8583Gear(const Settings& settings)
      : spec_name_(settings.text("spec")),
        folder_(settings.folder()),
        correlated_(element_numbers(settings.texts("correlate"))),
        mode_(settings.text("mode")),
        context_(settings.text("context")) {
    for (const unsigned number : element_numbers(settings.texts("record"))) recorded_[number] = true;
    if (settings.boolean("record_token")) recorded_[element_number(kPrimaryAccountNumber)] = true;
  }

  Outcome<void> start(Services& services) override {
    auto spec = load_specification(spec_name_, folder_);
    if (!spec) return tl::unexpected(spec.error());
    spec_ = std::move(*spec);
    services_ = &services;
    if (context_ == "adopt") services.expect_contexts();
    names_ = &services.names();
    type_field_ = names_->field("iso8583.mti", sanitize::Action::kKeep);
    reversal_field_ = names_->field("reversal_of", sanitize::Action::kKeep);
    defect_field_ = names_->field("iso8583.defect_element", sanitize::Action::kKeep);
    encode_name_ = names_->name("encode");
    decode_name_ = names_->name("decode");
    for (unsigned number = 2; number <= kLastElement; ++number) {
      const auto action = sanitize::iso8583_action(number);
      dropped_[number] = action == sanitize::Action::kDrop;
      if (recorded_[number] || dropped_[number])
        fields_[number] = names_->field("iso8583." + element_name(number), action);
    }
    return {};
  }

  Step on_request(Transaction& transaction, Message& message) override {
    if (encodes(message)) return encode_request(transaction, message);
    auto& kept = transaction.kept(*this);
    const auto step = decode_into(transaction, message);
    keep_for_failure(message.fields, kept);
    if (step.kind == Step::Kind::kFail) return step;
    if (is_response(message.fields.get("mti")))
      return Step::fail(FailureCode::kRejected, "a response came where a request is expected");
    name_span(transaction, decode_names_, "decode ", decode_name_, message.fields.get("mti"));
    record(transaction, message.fields, kept);
    link(transaction, message.fields);
    if (context_ == "adopt") adopt_context(transaction, message.fields);
    return step;
  }

  Step on_reply(Transaction& transaction, Message& message) override {
    auto& kept = transaction.kept(*this);
    if (kept.fields.find("mti") == nullptr) {
      const auto step = decode_into(transaction, message);
      if (step.kind != Step::Kind::kFail) record(transaction, message.fields, kept);
      return step;
    }
    // Under the context that it has by now: it may have been adopted meanwhile.
    originals_.remember(kept.fields, transaction.as_link_target());
    record(transaction, message.fields, kept);
    return encode_into(transaction, message, FailureCode::kInternal);
  }

  Step on_failure(Transaction& transaction, const Failure& failure, Message& reply) override {
    const auto& kept = transaction.kept(*this);
    originals_.remember(kept.fields, transaction.as_link_target());
    reply = Message{};
    reply.fields = failure_response(kept.fields, failure.code);
    if (reply.fields.empty()) return Step::fail(failure);
    if (const auto* code = reply.fields.find("39"); code != nullptr && recorded_[39])
      transaction.attribute(fields_[39], *code);
    if (!encode(*spec_, reply.fields, reply.payload)) return Step::fail(failure);
    reply.fields.clear();
    return Step::reply();
  }

  std::vector<std::string> correlation_keys(std::string_view reply_bytes) override {
    Fields fields;
    if (!decode(*spec_, reply_bytes, fields) || !is_response(fields.get("mti"))) return {};
    const auto type = fields.get("mti");
    std::vector<std::string> keys{correlation_key(type, fields, correlated_)};
    // The host may have given the retrieval reference that the request did not have.
    auto without = correlation_key(type, fields, correlated_, kRetrievalReference);
    if (without != keys.front()) keys.push_back(std::move(without));
    return keys;
  }
  bool correlates() const noexcept override { return mode_ != "decode"; }

 private:
  using TypeNames = std::array<tap::NameId, 1000>;

  bool encodes(const Message& message) const {
    if (mode_ != "auto") return mode_ == "encode";
    return message.fields.find("mti") != nullptr || message.payload.empty();
  }

  Step encode_request(Transaction& transaction, Message& message) {
    const std::string type(message.fields.get("mti"));
    record(transaction, message.fields, transaction.kept(*this));
    link(transaction, message.fields);
    name_span(transaction, encode_names_, "encode ", encode_name_, type);
    if (const auto response = response_type(type); !response.empty())
      transaction.correlation = correlation_key(response, message.fields, correlated_);
    if (context_ == "offer" && !transaction.correlation.empty())
      services_->offer_context(transaction, transaction.correlation);
    return encode_into(transaction, message, FailureCode::kRejected);
  }

  Step encode_into(Transaction& transaction, Message& message, FailureCode blame) {
    if (const auto written = encode(*spec_, message.fields, message.payload); !written)
      return refuse(transaction, blame, written.error());
    message.fields.clear();
    return Step::next();
  }

  Step decode_into(Transaction& transaction, Message& message) {
    if (const auto read = decode(*spec_, message.payload, message.fields); !read)
      return refuse(transaction, FailureCode::kMalformed, read.error());
    message.payload.clear();
    return Step::next();
  }

  // Under the key by which the other rack finds the reply of this request: both sides read it out of the same
  // bytes.
  void adopt_context(Transaction& transaction, const Fields& fields) const {
    if (const auto response = response_type(fields.get("mti")); !response.empty())
      services_->adopt_context(transaction, correlation_key(response, fields, correlated_));
  }

  // A reversal to what it reverses.
  void link(Transaction& transaction, const Fields& request) {
    if (const auto original = originals_.original_of(request))
      transaction.link(reversal_field_, *original);
    else
      originals_.remember(request, transaction.as_link_target());
  }

  Step refuse(Transaction& transaction, FailureCode code, const Defect& defect) const {
    if (defect.element != 0) transaction.attribute(defect_field_, std::int64_t{defect.element});
    return Step::fail(code, defect.error.detail);
  }

  // Of a request that is still unanswered only what an error response repeats.
  static void keep_for_failure(const Fields& fields, Message& kept) {
    kept.fields = failure_response(fields, FailureCode::kInternal);
    if (kept.fields.empty()) return;
    kept.fields.set("mti", std::string(fields.get("mti")));
    if (const auto* acquirer = fields.find("32")) kept.fields.set("32", *acquirer);  // for Originals
    kept.fields.erase("39");
  }

  // `kept.payload` lists, one byte each, the elements that the request has had recorded: a reply repeats
  // most.
  void record(Transaction& transaction, const Fields& fields, Message& kept) const {
    const bool is_request = kept.payload.empty();
    if (is_request) {
      if (const auto* type = fields.find("mti"); type != nullptr && is_known_type(*type))
        transaction.attribute(type_field_, *type);
      kept.payload.push_back('\0');
    }
    for (const auto& [name, value] : fields) {
      const unsigned number = element_number(name);
      if (number == 0 || !(recorded_[number] || dropped_[number])) continue;
      if (kept.payload.find(static_cast<char>(number)) != std::string::npos) continue;
      kept.payload.push_back(static_cast<char>(number));
      // The value of a dropped element goes nowhere: the empty one lists the redaction.
      transaction.attribute(fields_[number], dropped_[number] ? std::string_view{} : std::string_view{value});
    }
  }

  void name_span(Transaction& transaction, TypeNames& cache, std::string_view prefix, tap::NameId other,
                 std::string_view type) {
    if (!is_known_type(type)) return transaction.span_name(other);
    const int number = (type[1] - '0') * 100 + (type[2] - '0') * 10 + (type[3] - '0');
    auto& id = cache[static_cast<std::size_t>(number)];
    if (id == tap::NameId{}) id = names_->name(fmt::format("{}{}", prefix, type));
    transaction.span_name(id);
  }

  std::string spec_name_;
  std::string folder_;
  std::shared_ptr<const Specification> spec_;
  std::vector<unsigned> correlated_;
  std::string mode_;
  std::string context_;
  Services* services_ = nullptr;
  std::array<bool, kLastElement + 1> recorded_{};
  std::array<bool, kLastElement + 1> dropped_{};
  std::array<tap::FieldId, kLastElement + 1> fields_{};
  tap::Names* names_ = nullptr;
  tap::FieldId type_field_;
  tap::FieldId defect_field_;
  tap::FieldId reversal_field_;
  Originals originals_;
  tap::NameId encode_name_;
  tap::NameId decode_name_;
  TypeNames encode_names_{};
  TypeNames decode_names_{};
};

void check_elements(const Settings& settings, std::string_view option, const Specification& spec,
                    std::vector<yaml::Complaint>& complaints) {
  for (const auto& name : settings.texts(option)) {
    const unsigned number = element_number(name);
    if (number != 0 && spec.elements[number].defined) continue;
    complaints.push_back(
        {settings.mark(option), 1,
         fmt::format("'{}' is no data element of the specification", sanitize::excerpt(name, 40)),
         "elements are numbers from 2 to 128, without 65"});
  }
}

void check(const Settings& settings, std::vector<yaml::Complaint>& complaints) {
  const auto name = settings.text("spec");
  const auto spec = load_specification(name, settings.folder());
  if (!spec) {
    complaints.push_back({settings.mark("spec"), static_cast<int>(name.size()), spec.error().message, ""});
    return;
  }
  check_elements(settings, "record", **spec, complaints);
  check_elements(settings, "correlate", **spec, complaints);
}

}  // namespace

GearType iso8583_type() {
  return {
      .name = "iso8583",
      .summary = "reads and writes ISO 8583 messages by a specification",
      .role = Role::kFilter,
      .options =
          {
              {.name = "spec",
               .type = OptionType::kText,
               .summary = "a shipped specification (iso8583-1987-ascii, ...) or the path of a YAML file",
               .fallback = "iso8583-1987-ascii"},
              {.name = "mode",
               .type = OptionType::kChoice,
               .summary = "what requests need; auto encodes those that come as fields and decodes bytes",
               .fallback = "auto",
               .choices = {"auto", "encode", "decode"}},
              {.name = "context",
               .type = OptionType::kChoice,
               .summary = "hands the trace context to the rack at the other end, over the bus; nothing is "
                          "added to messages",
               .fallback = "none",
               .choices = {"none", "offer", "adopt"}},
              {.name = "record",
               .type = OptionType::kTexts,
               .summary = "elements whose values become attributes, under the sanitiser's policy",
               .fallback = "[3, 4, 7, 11, 37, 39, 41]"},
              {.name = "record_token",
               .type = OptionType::kBoolean,
               .summary = "records element 2 as its token",
               .fallback = "true"},
              {.name = "correlate",
               .type = OptionType::kTexts,
               .summary = "elements that, with the message type, find the request of a reply",
               .fallback = "[7, 11, 37, 41]"},
          },
      .check = check,
      .make = [](const Settings& settings) -> std::unique_ptr<Gear> {
        return std::make_unique<Iso8583Gear>(settings);
      },
  };
}

}  // namespace fluxrig::gear
