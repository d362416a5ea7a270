// Every way in at the racks: each pushes numbers in one encoding. What comes back is kept: it is searched too.
import http from 'node:http';
import net from 'node:net';
import { track1, track2 } from './numbers.mjs';
import { fits, framed, message, purchase, spread } from './iso8583.mjs';

// Sends bytes and takes what comes back until the peer is silent, or closes.
export function exchange(port, bytes, silence = 120) {
  return new Promise((resolve) => {
    const parts = [];
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setTimeout(silence, () => socket.destroy());
    socket.on('data', (part) => parts.push(part));
    socket.on('error', () => {});
    socket.on('close', () => resolve({ bytes: Buffer.concat(parts) }));
  });
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
// { bytes, business }: a reply of a business gear that is no refusal of the gateway's, a declined or undecided one too, may
// hold what its caller sent, and nothing else.
export function ask(port, { method = 'POST', path, headers = {}, body = '' }) {
  const nothing = { bytes: Buffer.alloc(0) };
  return new Promise((resolve) => {
    const sent = http.request({ host: '127.0.0.1', port, method, path, agent, timeout: 10_000, headers: { 'content-type': 'application/json', ...headers } }, (answer) => {
      const parts = [Buffer.from(JSON.stringify(answer.headers))];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve({ bytes: Buffer.concat(parts), business: /^application\/json/.test(answer.headers['content-type'] ?? '') && !path.startsWith('/api') }));
      answer.on('error', () => resolve(nothing));
    });
    sent.on('error', () => resolve(nothing));
    sent.on('timeout', () => sent.destroy());
    sent.end(body);
  });
}

// The host answers a financial request, a declined one too, with its elements: business.
const toBank = (w, bytes) => exchange(w.ports.bank, bytes).then((reply) => ({ ...reply, business: true }));

export const order = (members) => JSON.stringify({ card: { pan: '4242424242424242', expiry: '2912' }, amount: 1050, currency: '978',
  terminal: 'TERM0001', merchant: 'SHOP0001', ...members });
export const asciiOnly = (text) => text.replace(/[^\x20-\x7e]/g, '?');
const traceparent = (card) => `00-${card.trace}-00f067aa0ba902b7-01`;

// A way in of texts: as many numbers at once as `longest` characters take. `send(world, text, { cards, texts, random })`.
export const many = (longest, send) => ({ most: Infinity, longest, send });
// A field of its own for one card (`most`): it is pushed as what it is, in no encoding. `send(world, card, { cards, random })`.
export const own = (send, { most = 1, suits } = {}) => ({ own: true, most, suits, longest: Infinity, send: (w, _, more) => send(w, more.cards[0], more) });

const pay = (w, options) => ask(w.ports.shop, { path: '/authorize', body: order({}), ...options });
const post = (w, options) => ask(w.ports.post, { path: '/order', body: '{}', ...options });
const twelve = (card) => card.pan.length === 12;
const tracestate = (text) => `vendor=${asciiOnly(text).replace(/[,=]/g, ':')}`;

export const TEXT_INGRESSES = {
  'http path': many(800, (w, text) => ask(w.ports.shop, { path: `/pay/${encodeURIComponent(text)}` })),
  'http path, raw': many(2000, (w, text) => ask(w.ports.shop, { path: `/${asciiOnly(text).replaceAll(' ', '/')}` })),
  'http query': many(800, (w, text) => pay(w, { path: `/authorize?card=${encodeURIComponent(text)}` })),
  'http headers': many(1200, (w, text) => pay(w, { headers: { 'x-card': asciiOnly(text), 'user-agent': asciiOnly(text), cookie: `c=${asciiOnly(text)}` } })),
  'http content-type': many(1200, (w, text) => pay(w, { headers: { 'content-type': asciiOnly(text) } })),
  tracestate: many(240, (w, text, { cards }) => pay(w, { headers: { traceparent: traceparent(cards[0]), tracestate: tracestate(text) } })),
  'baggage, over the bus': many(1200, (w, text) => post(w, { headers: { baggage: `card=${asciiOnly(text).replace(/[ ",;\\]/g, '-')}` } })),
  'tracestate, over the bus': many(240, (w, text, { cards }) => post(w, { headers: { traceparent: traceparent(cards[0]), tracestate: tracestate(text) } })),
  'json card': own((w, card) => pay(w, { body: order({ card: { pan: card.pan, expiry: card.expiry, cvv: card.cvv, pin: card.pin, track2: track2(card) } }) })),
  'json amount': own((w, card) => pay(w, { body: order({ amount: Number(card.pan) }) }), { suits: twelve }),
  'json amount, as text': own((w, card) => pay(w, { body: order({ amount: card.pan }) })),
  'json integer': own((w, card) => pay(w, { body: order({}).replace('{', `{"count":${card.pan},`) })),
  'json note': many(800, (w, text) => pay(w, { body: order({ note: text }) })),
  'json nested': many(800, (w, text) => pay(w, { body: order({ order: text, customer: { reference: text } }) })),
  'json wrong types': many(800, (w, text) => pay(w, { body: order({ card: { pan: [text], expiry: text }, amount: text }) })),
  'json broken': many(800, (w, text) => pay(w, { body: `${order({ note: text })}}}` })),
  'json cut': many(400, (w, text, { random }) => pay(w, { body: order({ note: text }).slice(0, 40 + random.below(120 + text.length)) })),
  'order, kept and sent on': many(2000, (w, text, { cards }) => post(w, { body: JSON.stringify({ note: text, pan: cards[0].pan }) })),
  'order that becomes a dead letter': many(2000, (w, text) => post(w, { path: '/poison', body: JSON.stringify({ note: text }) })),
  'no HTTP': many(1200, (w, text, { cards }) => exchange(w.ports.shop, Buffer.from(`${asciiOnly(text)} ${cards[0].pan}\r\nHost: ${cards[0].pan}\r\n\r\n`))),
  'http host': many(1200, (w, text, { cards }) => exchange(w.ports.shop, Buffer.from(`POST /authorize HTTP/1.1\r\nHost: ${asciiOnly(text)}\r\nHost: ${cards[0].pan}\r\n\r\n`))),
  'bus without TLS': many(1200, (w, text, { cards }) => exchange(w.ports.nats, Buffer.from(`${asciiOnly(text)}\r\nPUB ${cards[0].pan} 3\r\nabc\r\n`))),
  'iso8583 2, 14': own((w, card) => toBank(w, framed(purchase({ 2: card.pan, 14: card.expiry })))),
  'iso8583 amounts (4, 5, 6)': own((w, _, { cards }) => toBank(w, framed(purchase({ 4: cards[0].pan, 5: cards.at(-1).pan, 6: cards[0].pan }))), { most: 2, suits: twelve }),
  'iso8583 2, tracks (35, 36, 45)': own((w, card, { cards }) => toBank(w, framed(purchase({ 2: card.pan, 35: track2(cards.at(-1)).slice(0, 37), 36: `01${card.pan}=${card.expiry}`, 45: track1(cards.at(-1)).slice(0, 76) }))), { most: 2 }),
  'iso8583 PIN block (52, 53)': own((w, card) => toBank(w, framed(purchase({ 2: card.pan, 52: card.pinBlock.toString('hex').toUpperCase(), 53: card.pan.padStart(16, '0').slice(-16) })))),
  'iso8583 34': own((w, card) => toBank(w, framed(purchase({ 34: `59${card.pan}` })))),
  'iso8583 text elements': many(2500, (w, _, { texts, random }) => toBank(w, framed(purchase(spread(texts.map(asciiOnly), random))))),
  'iso8583 cut': many(600, (w, text, { cards: [card], random }) => {
    const whole = purchase({ 2: card.pan, 35: track2(card).slice(0, 37), 48: asciiOnly(text).slice(0, 999) });
    return toBank(w, framed(whole.subarray(0, 24 + random.below(whole.length - 24))));
  }),
  'iso8583 broken': many(1200, (w, text, { cards }) => toBank(w, framed(Buffer.from(`9${cards[0].pan}${asciiOnly(text)}`, 'latin1')))),
  'iso8583 wrong framing': own((w, card) => toBank(w, Buffer.concat([Buffer.from([0x34, 0x31]), purchase({ 2: card.pan })]))),
};

export const BYTE_INGRESSES = {
  'http body': many(2000, (w, bytes) => pay(w, { body: bytes })),
  'order, kept and sent on': many(2000, (w, bytes) => post(w, { body: bytes })),
  'iso8583, after a message': many(2000, (w, bytes, { cards }) => toBank(w, framed(Buffer.concat([purchase({ 2: cards[0].pan }), bytes])))),
};

// What the host of another company answers to the edge's own request: `make(request's elements)` gives its bytes.
function fromBank(w, make) {
  w.far.answers.push(make);
  return ask(w.ports.buy, { path: '/buy', body: order({}) });
}

const reply = (request, more) => {
  const echoed = Object.fromEntries([3, 4, 7, 11, 12, 13, 37, 41, 42, 49].filter((element) => element in request).map((element) => [element, request[element]]));
  return message('0210', { ...echoed, 38: '104853', 39: '00', ...more });
};

export const BANK_INGRESSES = {
  "bank's reply, card (2, 34, 35, 45)": own((w, card) => fromBank(w, (request) => framed(reply(request, { 2: card.pan, 34: `59${card.pan}`, 35: track2(card).slice(0, 37), 45: track1(card).slice(0, 76) })))),
  "bank's reply, PIN block (52)": own((w, card) => fromBank(w, (request) => framed(reply(request, { 52: card.pinBlock.toString('hex').toUpperCase() })))),
  "bank's reply, text elements": many(2500, (w, _, { texts, random }) => fromBank(w, (request) => framed(reply(request, spread(texts.map(asciiOnly), random))))),
  "bank's reply, declined in its words (44)": many(25, (w, text) => fromBank(w, (request) => framed(reply(request, fits(44, asciiOnly(text)) ? { 39: '05', 44: asciiOnly(text) } : { 39: '05', 48: asciiOnly(text) })))),
  "bank's reply, broken": many(1200, (w, text) => fromBank(w, () => framed(Buffer.from(`0210${asciiOnly(text)}`, 'latin1')))),
  "bank's reply, cut": many(600, (w, text, { random }) => fromBank(w, (request) => {
    const whole = reply(request, { 48: asciiOnly(text).slice(0, 999) });
    return framed(whole.subarray(0, 40 + random.below(whole.length - 40)));
  })),
  "bank's message that nobody asked for": many(600, (w, text) => fromBank(w, (request) => Buffer.concat([framed(reply({ ...request, 11: '999999', 37: '999999999999' }, { 48: asciiOnly(text).slice(0, 999) })), framed(reply(request, {}))]))),
};
export const BANK_BYTE_INGRESSES = {
  "bank's reply, and bytes after it": many(2000, (w, bytes) => fromBank(w, (request) => framed(Buffer.concat([reply(request, {}), bytes])))),
};
