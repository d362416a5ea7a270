// No record leaves the pump with what the gate would have taken out.
#include "cbor/decoder.hpp"
#include "sanitize/scan/card_number.hpp"
#include "tap/pump_fixture.hpp"

namespace fluxrig::tap {
namespace {

TEST_F(PumpTest, NoByteOfACardNumberReachesTheAuditLane) {
  auto one = draft();
  one.attribute(names_.field("note", sanitize::Action::kKeep), "paid with 4111111111111111 today");
  one.attribute(names_.field("number", sanitize::Action::kToken), std::int64_t{4111111111111111});
  write(one);
  ASSERT_FALSE(pump_.step(true).blocked);
  EXPECT_EQ(as_text(audit_.appended).find("4111111111111111"), std::string_view::npos);
}

TEST_F(PumpTest, LinksKeepTheirIdsWhateverTheyLookLike) {
  auto one = draft();
  LinkTarget target;
  ASSERT_EQ(target.trace_id.bytes.size(), 16U);
  std::memcpy(target.trace_id.bytes.data(), "4111111111111111", 16);
  target.span_id.bytes.fill(7);
  target.flux_id.bytes.fill(8);
  one.attribute(names_.field("a", sanitize::Action::kKeep), "b");
  one.link(names_.field("reversal_of", sanitize::Action::kKeep), target);
  write(one);
  auto other = draft();
  write(other);
  ASSERT_FALSE(pump_.step(true).blocked);
  cbor::Decoder decoder(audit_.appended);
  const auto first = model::decode(*decoder.skip());
  const auto second = model::decode(*decoder.skip());
  const auto& linked = std::get<model::Transaction>(*first);
  EXPECT_EQ(linked.attributes.size(), 1U);
  EXPECT_EQ(linked.links,
            (std::vector<model::Link>{{target.trace_id, target.span_id, target.flux_id, "reversal_of"}}));
  EXPECT_TRUE(std::get<model::Transaction>(*second).links.empty());
}

TEST_F(PumpTest, AnIntegerThatCouldBeACardNumberIsMaskedAndOthersStayIntegers) {
  auto one = draft();
  one.attribute(names_.field("order", sanitize::Action::kKeep), std::int64_t{5500005555555559});
  one.attribute(names_.field("amount", sanitize::Action::kKeep), std::int64_t{1050});
  write(one);
  ASSERT_FALSE(pump_.step(true).blocked);
  const auto record = model::decode(audit_.appended);
  ASSERT_TRUE(record);
  const auto& attributes = std::get<model::Transaction>(*record).attributes;
  ASSERT_EQ(attributes.size(), 2U);
  EXPECT_EQ(attributes[0].value, model::Value(std::string("550000******5559")));
  EXPECT_EQ(attributes[1].value, model::Value(std::int64_t{1050}));
}

TEST_F(PumpTest, NamesOfGearsAndFieldsPassTheGateInEveryKindOfRecord) {
  auto one = draft();
  one.head().gear = names_.name("g4111111111111111");
  one.head().reason = names_.name("reason 4111111111111111");
  one.attribute(names_.field("key 4111111111111111", sanitize::Action::kKeep), "x");
  SpanSlot slot;
  slot.gear = one.head().gear;
  slot.reason = one.head().reason;
  (void)one.begin_span(slot);
  write(one);
  ASSERT_FALSE(pump_.step(true).blocked);
  std::deque<GearMetrics> gears(1);
  gears[0].gear = one.head().gear;
  pump_.emit_metrics(gears);
  EXPECT_EQ(as_text(audit_.appended).find("4111111111111111"), std::string_view::npos);
  ASSERT_GT(telemetry_.records.size(), 2U);
  for (const auto& record : telemetry_.records) {
    Bytes bytes;
    model::encode(record, bytes);
    EXPECT_EQ(as_text(bytes).find("4111111111111111"), std::string_view::npos);
  }
}

// The tap cuts a text to its length before anybody searches it.
TEST_F(PumpTest, ANumberThatWasCutOffLeavesNoMoreThanAMaskWould) {
  auto one = draft();
  const auto field = names_.field("note", sanitize::Action::kKeep);
  for (const std::size_t digits : {7U, 11U, 15U, 16U})
    one.attribute(field, std::string(kMaxTextBytes - digits - 1, 'x') + " 4111111111111111");
  one.attribute(field, std::string(kMaxTextBytes - 5, ' ') + "words and more");
  write(one);
  ASSERT_FALSE(pump_.step(true).blocked);
  EXPECT_EQ(as_text(audit_.appended).find("4111111"), std::string_view::npos);
  EXPECT_NE(as_text(audit_.appended).find("words"), std::string_view::npos);
}

TEST_F(PumpTest, RulesOfUsersTakeMoreOutOfAttributesAndSaySo) {
  auto rules = sanitize::UserRules::compile({{"employee", "EMP-[0-9]{6}", {"note"}, sanitize::Action::kMask},
                                             {"branch", "^7[0-9]{3}$", {"branch"}, sanitize::Action::kDrop}});
  ASSERT_TRUE(rules) << rules.error().why;
  sanitizer_.add_rules(*std::move(rules));
  auto one = draft();
  one.attribute(names_.field("note", sanitize::Action::kKeep), "EMP-123456 paid with 4111111111111111");
  one.attribute(names_.field("other", sanitize::Action::kKeep), "EMP-123456");
  one.attribute(names_.field("branch", sanitize::Action::kKeep), std::int64_t{7123});
  one.attribute(names_.field("amount", sanitize::Action::kKeep), std::int64_t{7123});
  write(one);
  ASSERT_FALSE(pump_.step(true).blocked);
  const auto record = std::get<model::Transaction>(*model::decode(audit_.appended));
  ASSERT_EQ(record.attributes.size(), 3U);
  EXPECT_EQ(record.attributes[0].value, model::Value(std::string("********** paid with 411111******1111")));
  EXPECT_EQ(record.attributes[1].value, model::Value(std::string("EMP-123456")));
  EXPECT_EQ(record.attributes[2].value, model::Value(std::int64_t{7123}));
  EXPECT_EQ(record.redactions, (std::vector<std::string>{"note mask", "branch drop"}));
}

TEST_F(PumpTest, RulesOfUsersHoldForNamesAndForTheTracestateOfACaller) {
  auto rules = sanitize::UserRules::compile({{"employee", "EMP-[0-9]{6}", {}, sanitize::Action::kMask},
                                             {"secret", "hunter2", {"name"}, sanitize::Action::kDrop}});
  ASSERT_TRUE(rules) << rules.error().why;
  sanitizer_.add_rules(*std::move(rules));
  auto one = draft();
  one.head().name = names_.name("POST /by/EMP-123456");
  one.set_tracestate("vendor=EMP-123456");
  SpanSlot slot;
  slot.gear = one.head().gear;
  slot.name = names_.name("ask hunter2");
  slot.reason = names_.name("a fixed phrase: hunter2");
  (void)one.begin_span(slot);
  write(one);
  ASSERT_FALSE(pump_.step(true).blocked);
  const auto record = std::get<model::Transaction>(*model::decode(audit_.appended));
  EXPECT_EQ(record.name, "POST /by/**********");
  EXPECT_EQ(record.tracestate, "vendor=**********");
  ASSERT_EQ(telemetry_.records.size(), 2U);
  const auto span = std::get<model::Span>(telemetry_.records[1]);
  EXPECT_EQ(span.name, "***********") << "a record needs its name";
  EXPECT_EQ(span.status_message, "a fixed phrase: hunter2") << "no peer has a part in it";
}

// What is built in has had its turn: a rule that would split a number, or put another text in its place,
// finds none.
TEST_F(PumpTest, NoRuleOfAUserWeakensWhatIsBuiltIn) {
  auto rules = sanitize::UserRules::compile(
      {{"four", "4", {}, sanitize::Action::kToken}, {"digits", "[0-9]{2}", {}, sanitize::Action::kToken}});
  ASSERT_TRUE(rules) << rules.error().why;
  sanitizer_.add_rules(*std::move(rules));
  auto one = draft();
  one.attribute(names_.field("note", sanitize::Action::kKeep), "4111111111111111");
  one.attribute(names_.field("card", sanitize::Action::kToken), "4111111111111111");
  one.attribute(names_.field("gone", sanitize::Action::kDrop), "4111111111111111");
  write(one);
  ASSERT_FALSE(pump_.step(true).blocked);
  const auto record = std::get<model::Transaction>(*model::decode(audit_.appended));
  ASSERT_EQ(record.attributes.size(), 2U);
  const auto& note = std::get<std::string>(record.attributes[0].value);
  EXPECT_EQ(note.find("4111"), std::string::npos);
  EXPECT_NE(note.find("******"), std::string::npos) << "the built-in mask stays";
  EXPECT_EQ(record.attributes[1].value, model::Value(*sanitizer_.token("4111111111111111")));
}

TEST_F(PumpTest, EventsPassTheGate) {
  model::Log event;
  event.body = "said 4111111111111111";
  event.attributes.push_back({"who", std::string("4111 1111 1111 1111")});
  ASSERT_TRUE(events_.offer(event));
  ASSERT_FALSE(pump_.step(true).blocked);
  const auto log = std::get<model::Log>(*model::decode(audit_.appended));
  EXPECT_EQ(log.body, "said 411111******1111");
  EXPECT_EQ(log.attributes[0].value, model::Value(std::string("4111 11** **** 1111")));
}

// A retrieval reference number (YDDDhhnnnnnn) has the look of a number of 12 digits on some days.
TEST_F(PumpTest, AReferenceIsExemptByItsTypeAndALongerTextIsNot) {
  std::string reference = "501812000120";
  while (!sanitize::luhn(reference))
    reference.back() = static_cast<char>(reference.back() == '9' ? '0' : reference.back() + 1);
  auto one = draft();
  const auto field = names_.field("iso8583.37", sanitize::iso8583_action(37));
  one.attribute(field, reference);
  one.attribute(field, "4111111111111111");
  one.attribute(names_.field("iso8583.62", sanitize::Action::kKeep), reference);
  write(one);
  ASSERT_FALSE(pump_.step(true).blocked);
  const auto record = std::get<model::Transaction>(*model::decode(audit_.appended));
  ASSERT_EQ(record.attributes.size(), 3U);
  EXPECT_EQ(record.attributes[0].value, model::Value(reference));
  EXPECT_EQ(record.attributes[1].value, model::Value(std::string("411111******1111")));
  EXPECT_NE(record.attributes[2].value, model::Value(reference)) << "the search itself would have masked it";
  EXPECT_TRUE(record.redactions.empty());
}

TEST_F(PumpTest, DuringAnOverlapOfKeysARecordCarriesBothTokens) {
  sanitize::Sanitizer both(sanitize::TokenKeys{{"k2", {1}}, sanitize::TokenKey{"k1", {}}});
  Pump pump({ring_, events_, Assembler(names_, both, ticks_), ticks_, audit_, telemetry_, clock_}, {});
  auto one = draft();
  one.attribute(names_.field("iso8583.2", sanitize::Action::kToken), "4111111111111111");
  write(one);
  ASSERT_FALSE(pump.step(true).blocked);
  const auto record = std::get<model::Transaction>(*model::decode(audit_.appended));
  ASSERT_EQ(record.attributes.size(), 2U);
  EXPECT_TRUE(std::get<std::string>(record.attributes[0].value).starts_with("tok_k2_"));
  EXPECT_EQ(record.attributes[1].key, "iso8583.2.previous");
  EXPECT_EQ(record.attributes[1].value, model::Value(*sanitizer_.token("4111111111111111")));
}

}  // namespace
}  // namespace fluxrig::tap
