// Spans of customers' services, over OTLP/HTTP to the mixer (`listen.otlp`): every place of a request that holds text, bytes
// or a number, in both encodings, plain and packed; and requests that are none.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import { BYTES } from './encodings.mjs';
import { ask, asciiOnly, exchange, many, own } from './ingress.mjs';
import { track1, track2 } from './numbers.mjs';

const { opentelemetry } = createRequire(import.meta.url)('@opentelemetry/otlp-transformer/build/src/generated/root');
const Request = opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
const CLIENT = 3;  // a span's kind
const INTEGERS = ['integer, little', 'integer, big'];
const BINARY = Object.keys(BYTES).filter((encoding) => encoding !== 'pin block' && !INTEGERS.includes(encoding));

// A request with its 64-bit numbers as BigInt and its bytes as Buffer, as an encoding wants them.
function as(value, { whole, bytes }, name) {
  if (typeof value === 'bigint') return whole(value);
  if (Buffer.isBuffer(value)) return bytes(value, name);
  if (Array.isArray(value)) return value.map((one) => as(one, { whole, bytes }, name));
  if (typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, as(one, { whole, bytes }, key)]));
}

const halves = (number) => ({ low: Number(BigInt.asIntN(32, number)), high: Number(BigInt.asIntN(32, number >> 32n)), unsigned: false });
const ENCODINGS = {
  json: { type: 'application/json', encode: (request) => Buffer.from(JSON.stringify(as(request, { whole: String, bytes: (bytes, name) => bytes.toString(name === 'bytesValue' ? 'base64' : 'hex') }))) },
  protobuf: { type: 'application/x-protobuf', encode: (request) => Buffer.from(Request.encode(as(request, { whole: halves, bytes: (bytes) => bytes })).finish()) },
};

const pair = (key, value) => ({ key, value });
const word = (key, stringValue) => pair(key, { stringValue });
const list = (...values) => ({ arrayValue: { values } });
const map = (...values) => ({ kvlistValue: { values } });
const ids = (card) => ({ traceId: Buffer.from(card.trace, 'hex'), spanId: randomBytes(8) });

// One span of this card's trace, with `members`; `resource` and `scope` of it.
function requestOf(card, members, { resource = [], scope = {}, schemaUrl } = {}) {
  const now = BigInt(Date.now()) * 1_000_000n;
  const span = { ...ids(card), name: 'checkout', kind: CLIENT, startTimeUnixNano: now, endTimeUnixNano: now + 1_000_000n, ...members };
  return { resourceSpans: [{ resource: { attributes: [word('service.name', 'web'), ...resource] }, scopeSpans: [{ scope, spans: [span], ...(schemaUrl && { schemaUrl }) }] }] };
}

// What stands in attributes under names that say what it is.
const named = (card) => [word('card.pan', card.pan), word('cvv', card.cvv), pair('cvc', { intValue: BigInt(card.cvv) }), word('pin', card.pin),
  word('track1', track1(card)), word('customer.track2', track2(card)), word('pin_block', card.pinBlock.toString('hex')), pair('pinBlock', { bytesValue: card.pinBlock })];

function ways({ type, encode }, post) {
  const send = (request, random) => {
    const body = encode(request);
    return random.below(2) ? post(gzipSync(body), { 'content-type': type, 'content-encoding': 'gzip' }) : post(body, { 'content-type': type });
  };
  const raw = (body) => post(body, { 'content-type': type });
  const one = (longest, members, more = () => ({})) => many(longest, (_, found, { cards, random }) => send(requestOf(cards[0], members(found, cards[0]), more(found)), random));
  const mine = (members) => own((_, card, { random }) => send(requestOf(card, members(card)), random));
  return {
    'name of a span': one(240, (found) => ({ name: found })),
    'status message': one(2000, (found) => ({ status: { code: 2, message: found } })),
    attribute: one(2000, (found) => ({ attributes: [word('note', found)] })),
    'attribute, cut at its limit': one(2000, (found) => ({ attributes: [word('note', `${'x'.repeat(4096 - Math.floor(found.length / 2))} ${found}`)] })),
    'key of an attribute': one(240, (found) => ({ attributes: [word(found, 'x')] })),
    'list in an attribute': one(1000, (found) => ({ attributes: [pair('list', list({ stringValue: found }, list(map(word('in', found))), map(word(found, 'x'))))] })),
    resource: one(240, () => ({}), (found) => ({ resource: [word('host.name', found), word('k8s.pod.name', found), word('else', found), word(found, 'x')] })),
    scope: one(240, () => ({}), (found) => ({ scope: { name: found, version: found, attributes: [word('note', found)] } })),
    'events and links': one(1000, (found, card) => ({ events: [{ name: found, timeUnixNano: 1n, attributes: [word('note', found)] }], links: [{ ...ids(card), traceState: `vendor=${found}`, attributes: [word('note', found)] }] })),
    'trace state': one(240, (found) => ({ traceState: `vendor=${found}` })),
    'schema URL': one(1000, () => ({}), (found) => ({ schemaUrl: found })),
    integer: mine((card) => ({ attributes: [pair('count', { intValue: BigInt(card.pan) }), pair('counts', list({ intValue: BigInt(card.pan) }, map(pair('n', { intValue: -BigInt(card.pan) }))))] })),
    double: mine((card) => ({ attributes: [pair('share', { doubleValue: Number(card.pan) }), pair('shares', list({ doubleValue: Number(card.pan) }))] })),
    'card by its names': mine((card) => ({ attributes: named(card) })),
    'card by its names, in a list': mine((card) => ({ attributes: [pair('payment', map(...named(card)))] })),
    broken: many(1000, (_, found, { cards: [card] }) => raw(Buffer.concat([encode(requestOf(card, { name: found })), Buffer.from(`"}${found}`)]))),
    cut: many(1000, (_, found, { cards: [card], random }) => {
      const body = encode(requestOf(card, { attributes: [word('note', found)], status: { message: found } }));
      return raw(body.subarray(0, 40 + random.below(body.length - 40)));
    }),
    'no such request': many(1000, (_, found) => raw(Buffer.from(found))),
  };
}

// A PIN block without its name cannot be told from any eight bytes: it is pushed under its name (`named`).
function byteWays({ type, encode }, post) {
  const one = (taken, attributes, suits) => ({ most: Infinity, longest: 2000, taken, suits, send: (_, bytes, { cards }) => post(encode(requestOf(cards[0], { attributes: attributes(bytes) })), { 'content-type': type }) });
  const held = (value) => [pair('raw', value), pair('list', list(value, map(pair('in', value))))];
  return {
    bytes: one(BINARY, (bytesValue) => held({ bytesValue })),
    // Eight bytes may be any number of 17 digits and more: only shorter ones are looked for (docs/security.md).
    'bytes, an integer': one(INTEGERS, (bytesValue) => held({ bytesValue }), ({ pan }) => pan.length <= 16),
    'bytes as text': one(['utf-16, little', 'utf-16, big'], (bytes) => held({ stringValue: bytes.toString('latin1') })),
  };
}

// `ports` and `path` of a stack whose mixer listens for services.
function poster(stack) {
  return async (body, headers = {}, path = '/v1/traces') => {
    const authorization = `Bearer ${readFileSync(stack.path('mixer/otlp-token'), 'utf8').trim()}`;
    const { bytes } = await ask(stack.ports.otlp, { path, body, headers: { authorization, ...headers } });
    return { bytes };
  };
}

const inEach = (make) => Object.fromEntries(Object.entries(ENCODINGS).flatMap(([name, encoding]) => Object.entries(make(encoding)).map(([way, to]) => [`otlp ${name}: ${way}`, to])));

export function serviceIngresses(stack) {
  const post = poster(stack);
  return {
    ...inEach((encoding) => ways(encoding, post)),
    'otlp path': many(600, (_, found) => post('{}', {}, `/v1/${encodeURIComponent(found)}`)),
    'otlp headers': many(600, (_, found) => post('{}', { 'content-type': asciiOnly(found), 'content-encoding': asciiOnly(found), 'user-agent': asciiOnly(found) })),
    'otlp without a token': many(600, (_, found) => post('{}', { authorization: `Bearer ${asciiOnly(found)}` })),
    'otlp, gzip that is none': many(1000, (_, found) => post(found, { 'content-encoding': 'gzip' })),
    'otlp, no HTTP': many(1000, (_, found) => exchange(stack.ports.otlp, Buffer.from(`${asciiOnly(found)}\r\n\r\n`))),
  };
}

export const serviceByteIngresses = (stack) => inEach((encoding) => byteWays(encoding, poster(stack)));
