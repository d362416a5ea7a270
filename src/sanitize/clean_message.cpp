#include "sanitize/clean_message.hpp"

#include "sanitize/json_text.hpp"
#include "sanitize/sanitizer.hpp"

namespace fluxrig::sanitize {
namespace {

void search(std::string& text) {
  if (!text.empty()) text = mask_card_numbers(text);
}

std::string searched_report(std::string_view json) {
  const auto search_one = [](Action, std::string_view text) {
    return std::optional(mask_card_numbers(text));
  };
  return clean_json(json, {}, search_one).value_or("{}");
}

model::ControlTexts searched_texts(const model::ControlTexts& texts) {
  model::ControlTexts out;
  for (const auto& [name, value] : texts) out.emplace(mask_card_numbers(name), mask_card_numbers(value));
  return out;
}

}  // namespace

struct MessageMaker {
  template <typename Message>
  static CleanBytes of(const Message& message) {
    Bytes bytes;
    model::encode(message, bytes);
    return CleanBytes(std::move(bytes));
  }
};

model::Hello searched(model::Hello hello) {
  search(hello.rack);
  search(hello.version);
  for (auto& [gear, filter] : hello.consumers) {
    search(gear);
    search(filter);
  }
  for (auto& [key, value] : hello.resource) {
    search(key);
    if (auto* text = std::get_if<std::string>(&value)) search(*text);
  }
  return hello;
}

model::HelloReply searched(model::HelloReply reply) {
  search(reply.error);
  return reply;
}

model::Heartbeat searched(model::Heartbeat heartbeat) {
  heartbeat.status_json = searched_report(heartbeat.status_json);
  if (heartbeat.pressure) search(heartbeat.pressure->cause);
  return heartbeat;
}

model::ControlCommand searched(model::ControlCommand command) {
  for (auto* text : {&command.name, &command.who, &command.reason}) search(*text);
  command.arguments = searched_texts(command.arguments);
  return command;
}

model::ControlAnswer searched(model::ControlAnswer answer) {
  search(answer.error);
  answer.results = searched_texts(answer.results);
  return answer;
}

CleanBytes clean_message(model::Hello hello) { return MessageMaker::of(searched(std::move(hello))); }
CleanBytes clean_message(model::HelloReply reply) { return MessageMaker::of(searched(std::move(reply))); }
CleanBytes clean_message(model::Heartbeat heartbeat) {
  return MessageMaker::of(searched(std::move(heartbeat)));
}
CleanBytes clean_message(model::ControlCommand command) {
  return MessageMaker::of(searched(std::move(command)));
}
CleanBytes clean_message(model::ControlAnswer answer) {
  return MessageMaker::of(searched(std::move(answer)));
}
CleanBytes clean_message(const model::PressureLease& lease) { return MessageMaker::of(lease); }
CleanBytes clean_message(const model::Receipt& receipt) { return MessageMaker::of(receipt); }

}  // namespace fluxrig::sanitize
