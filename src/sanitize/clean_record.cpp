#include "sanitize/clean_record.hpp"

#include <fmt/format.h>

#include "model/record_codec.hpp"
#include "sanitize/clean_list.hpp"
#include "sanitize/sanitizer.hpp"

namespace fluxrig::sanitize {
namespace {

void search(std::string& text) {
  if (!text.empty()) text = mask_card_numbers(text);
}

void search(model::Value& value) {
  if (auto* text = std::get_if<std::string>(&value); text != nullptr) return search(*text);
  // A number must not slip through because it is no text.
  if (const auto* integer = std::get_if<std::int64_t>(&value); integer != nullptr && is_card_number(*integer))
    value = mask_card_numbers(fmt::format("{}", *integer));
  else if (const auto* real = std::get_if<double>(&value); real != nullptr && is_card_number(*real))
    value = mask_card_numbers(fmt::format("{:.0f}", *real));
}

void search(std::vector<model::Attribute>& attributes) {
  for (auto& attribute : attributes) {
    search(attribute.key);
    search(attribute.value);
  }
}

void search(std::vector<std::string>& texts) {
  for (auto& text : texts) search(text);
}

void search(model::Transaction& record) {
  for (auto* text : {&record.tracestate, &record.gear, &record.name, &record.reason}) search(*text);
  search(record.attributes);
  search(record.redactions);
  for (auto& link : record.links) search(link.relation);
}

void search(model::Intent& record) {
  for (auto* text : {&record.gear, &record.name}) search(*text);
  search(record.attributes);
  search(record.redactions);
}

void search(model::Span& record) {
  for (auto* text : {&record.gear, &record.name, &record.status_message}) search(*text);
  search(record.attributes);
}

// Its value is a measurement, exempt by type as a time is: a sum of bytes may look like anything.
void search(model::MetricPoint& record) {
  for (auto* text : {&record.name, &record.unit, &record.gear}) search(*text);
  search(record.attributes);
}

void search(model::Log& record) {
  for (auto* text : {&record.event_name, &record.body, &record.gear}) search(*text);
  search(record.attributes);
}

}  // namespace

CleanRecord clean(model::Record record) {
  std::visit([](auto& one) { search(one); }, record);
  return CleanRecord(std::move(record));
}

CleanList::CleanList(std::vector<model::Record> records) : records_(std::move(records)) {
  for (auto& record : records_) std::visit([](auto& one) { search(one); }, record);
}

void CleanList::add(model::Record record) {
  std::visit([](auto& one) { search(one); }, record);
  records_.push_back(std::move(record));
}

void CleanRecords::add(const CleanRecord& record) {
  model::encode(record.value(), bytes_);
  ++count_;
}

void CleanRecords::clear() noexcept {
  bytes_.clear();
  count_ = 0;
}

}  // namespace fluxrig::sanitize
