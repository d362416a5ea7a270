// A gear of one's own, whole: `limit` refuses messages whose amount is over a maximum. README.md walks
// through it.
#include <charconv>

#include "gear/catalogue.hpp"
#include "gear/gear.hpp"
#include "gear/services.hpp"
#include "gear/transaction.hpp"
#include "rack/rack.hpp"

namespace {

using namespace fluxrig;

class LimitGear final : public gear::Gear {
 public:
  explicit LimitGear(const gear::Settings& settings)
      : field_(settings.text("field")), maximum_(settings.integer("maximum")) {}

  // Names become small integers once, before the first message.
  Outcome<void> start(gear::Services& services) override {
    span_name_ = services.names().name("limit");
    maximum_field_ = services.names().field("limit.maximum", sanitize::Action::kKeep);
    return {};
  }

  // Reasons are literals: they are stored, and must not carry a byte of the message.
  gear::Step on_request(gear::Transaction& transaction, gear::Message& message) override {
    transaction.span_name(span_name_);
    const std::string_view text = message.fields.get(field_);
    std::int64_t amount = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || amount < 0)
      return gear::Step::fail(gear::FailureCode::kMalformed, "the amount is missing or is no whole number");
    if (amount <= maximum_) return gear::Step::next();
    transaction.attribute(maximum_field_, maximum_);
    return gear::Step::fail(gear::FailureCode::kRejected, "the amount is over the limit");
  }

 private:
  std::string field_;
  std::int64_t maximum_;
  tap::NameId span_name_;
  tap::FieldId maximum_field_;
};

}  // namespace

int main(int argc, char** argv) {
  auto types = gear::catalogue();
  types.push_back(
      {.name = "limit",
       .summary = "refuses amounts over a maximum",
       .options = {{.name = "field", .summary = "whose value is the amount", .fallback = "4"},
                   {.name = "maximum", .type = gear::OptionType::kInteger, .required = true, .minimum = 0}},
       .make = [](const gear::Settings& settings) -> std::unique_ptr<gear::Gear> {
         return std::make_unique<LimitGear>(settings);
       }});
  return rack::run_main(argc, argv, types);
}
