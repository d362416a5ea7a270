// Every way in: each pushes one card in one encoding, and says where it put it. Answers are kept: they are searched too.
import http from 'node:http';
import net from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';
import { track1, track2 } from './numbers.mjs';
import { BYTES, TEXTS } from './encodings.mjs';
import { fits, framed, message, TEXT_ELEMENTS } from './iso8583.mjs';

// A business reply carries its caller's own data back to it, and nobody keeps it: only refusals are searched.

// Sends bytes and takes what comes back until the peer is silent, or closes.
function exchange(port, bytes, silence = 120) {
  return new Promise((resolve) => {
    const parts = [];
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setTimeout(silence, () => socket.destroy());
    socket.on('data', (part) => parts.push(part));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(parts)));
  });
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
function ask(port, { method = 'POST', path, headers = {}, body = '' }) {
  return new Promise((resolve) => {
    const sent = http.request({ host: '127.0.0.1', port, method, path, agent, timeout: 10_000, headers: { 'content-type': 'application/json', ...headers } }, (answer) => {
      const parts = [Buffer.from(JSON.stringify(answer.headers))];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve(answer.statusCode < 300 && !path.startsWith('/api') ? Buffer.alloc(0) : Buffer.concat(parts)));
      answer.on('error', () => resolve(Buffer.alloc(0)));
    });
    sent.on('error', () => resolve(Buffer.alloc(0)));
    sent.on('timeout', () => sent.destroy());
    sent.end(body);
  });
}

const toBank = (w, bytes) => exchange(w.ports.bank, bytes).then(() => Buffer.alloc(0));

const order = (members) => JSON.stringify({ card: { pan: '4242424242424242', expiry: '2912' }, amount: 1050, currency: '978',
  terminal: 'TERM0001', merchant: 'SHOP0001', ...members });
const asciiOnly = (text) => text.replace(/[^\x20-\x7e]/g, '?');

const base = { 3: '000000', 4: '1050', 7: '1128190000', 12: '190000', 13: '1128', 41: 'TERM0001', 42: 'SHOP0001', 49: '978' };
let trace = 0;
function purchase(elements) {
  trace = (trace + 1) % 1_000_000;
  const stan = String(trace).padStart(6, '0');
  return message('0200', { ...base, 11: stan, 37: `633119${stan}`, ...elements });
}

// (world, card, text in an encoding, its name, random) -> Promise of bytes that came back
export const TEXT_INGRESSES = {
  'http path': (w, card, text) => ask(w.ports.shop, { path: `/pay/${encodeURIComponent(text)}` }),
  'http path, raw': (w, card, text) => ask(w.ports.shop, { path: `/${asciiOnly(text).replaceAll(' ', '/')}` }),
  'http query': (w, card, text) => ask(w.ports.shop, { path: `/authorize?card=${encodeURIComponent(text)}`, body: order({}) }),
  'http header': (w, card, text) => ask(w.ports.shop, { path: '/authorize', headers: { 'x-card': asciiOnly(text), 'user-agent': asciiOnly(text), cookie: `c=${asciiOnly(text)}` }, body: order({}) }),
  'http content-type': (w, card, text) => ask(w.ports.shop, { path: '/authorize', headers: { 'content-type': asciiOnly(text) }, body: order({}) }),
  tracestate: (w, card, text) => ask(w.ports.shop, { path: '/authorize', body: order({}), headers: { traceparent: `00-${card.trace}-00f067aa0ba902b7-01`, tracestate: `vendor=${asciiOnly(text).replace(/[,=]/g, ':')}` } }),
  'baggage, over the bus': (w, card, text) => ask(w.ports.post, { path: '/order', body: '{}', headers: { baggage: `card=${asciiOnly(text).replace(/[ ",;\\]/g, '-')}` } }),
  'tracestate, over the bus': (w, card, text) => ask(w.ports.post, { path: '/order', body: '{}', headers: { traceparent: `00-${card.trace}-00f067aa0ba902b7-01`, tracestate: `vendor=${asciiOnly(text).replace(/[,=]/g, ':')}` } }),
  'json card.pan': (w, card) => ask(w.ports.shop, { path: '/authorize', body: order({ card: { pan: card.pan, expiry: card.expiry, cvv: card.cvv, pin: card.pin, track2: track2(card) } }) }),
  'json note': (w, card, text) => ask(w.ports.shop, { path: '/authorize', body: order({ note: text }) }),
  'json nested': (w, card, text) => ask(w.ports.shop, { path: '/authorize', body: order({ order: text, customer: { reference: text } }) }),
  'json wrong types': (w, card, text) => ask(w.ports.shop, { path: '/authorize', body: order({ card: { pan: [text], expiry: text }, amount: text }) }),
  'json integer': (w, card) => ask(w.ports.shop, { path: '/authorize', body: order({}).replace('{', `{"count":${card.pan},`) }),
  'json broken': (w, card, text) => ask(w.ports.shop, { path: '/authorize', body: `${order({ note: text })}}}` }),
  'json cut': (w, card, text, random) => ask(w.ports.shop, { path: '/authorize', body: order({ note: text }).slice(0, 40 + random.below(120)) }),
  'order, kept and sent on': (w, card, text) => ask(w.ports.post, { path: '/order', body: JSON.stringify({ note: text, pan: card.pan }) }),
  'order that becomes a dead letter': (w, card, text) => ask(w.ports.post, { path: '/poison', body: JSON.stringify({ note: text }) }),
  'no HTTP': (w, card, text) => exchange(w.ports.shop, Buffer.from(`${asciiOnly(text)} ${card.pan}\r\nHost: ${card.pan}\r\n\r\n`)),
  'http host': (w, card, text) => exchange(w.ports.shop, Buffer.from(`POST /authorize HTTP/1.1\r\nHost: ${asciiOnly(text)}\r\nHost: ${card.pan}\r\n\r\n`)),
  'no TLS, to the bus': (w, card, text) => exchange(w.ports.nats, Buffer.from(`${asciiOnly(text)}\r\nPUB ${card.pan} 3\r\nabc\r\n`)),
  'iso8583 2': (w, card) => toBank(w, framed(purchase({ 2: card.pan, 14: card.expiry }))),
  'iso8583 track 1, 2, 3': (w, card) => toBank(w, framed(purchase({ 2: card.pan, 35: track2(card).slice(0, 37), 36: `01${card.pan}=${card.expiry}`, 45: track1(card).slice(0, 76) }))),
  'iso8583 PIN block': (w, card) => toBank(w, framed(purchase({ 2: card.pan, 52: card.pinBlock.toString('hex').toUpperCase(), 53: card.pan.padStart(16, '0').slice(-16) }))),
  'iso8583 34': (w, card) => toBank(w, framed(purchase({ 34: `59${card.pan}` }))),
  'iso8583 text': (w, card, text, random) => {
    const value = asciiOnly(text);
    const elements = TEXT_ELEMENTS.filter((element) => fits(element, value));
    const chosen = Array.from({ length: 4 }, () => random.pick(elements));
    return toBank(w, framed(purchase(Object.fromEntries(chosen.map((element) => [element, value])))));
  },
  'iso8583 cut': (w, card, text, random) => {
    const whole = purchase({ 2: card.pan, 35: track2(card).slice(0, 37), 48: asciiOnly(text) });
    return toBank(w, framed(whole.subarray(0, 24 + random.below(whole.length - 24))));
  },
  'iso8583 broken': (w, card, text) => toBank(w, framed(Buffer.from(`9${card.pan}${asciiOnly(text)}`, 'latin1'))),
  'iso8583 wrong framing': (w, card) => toBank(w, Buffer.concat([Buffer.from([0x34, 0x31]), purchase({ 2: card.pan })])),
};

export const BYTE_INGRESSES = {
  'http body': (w, card, bytes) => ask(w.ports.shop, { path: '/authorize', body: bytes }),
  'order, kept and sent on, bytes': (w, card, bytes) => ask(w.ports.post, { path: '/order', body: bytes }),
  'iso8583 bytes': (w, card, bytes) => toBank(w, framed(Buffer.concat([purchase({ 2: card.pan }), bytes]))),
};

// What an operator, or somebody who has the API's address, may send to the mixer.
export function apiIngresses(stack) {
  const authorization = () => `Bearer ${readFileSync(stack.path('mixer/api-token'), 'utf8').trim()}`;
  const call = (path, options = {}) => ask(stack.ports.api, { path, ...options, headers: { authorization: authorization(), ...options.headers } });
  return {
    'api path': (card, text) => call(`/api/v1/trace/${encodeURIComponent(text)}`, { method: 'GET' }),
    'api path, unknown': (card, text) => call(`/api/v1/${encodeURIComponent(text)}`, { method: 'GET' }),
    'api query': (card, text) => call(`/api/v1/transactions?${encodeURIComponent(text)}=1&rack=${encodeURIComponent(text)}`, { method: 'GET' }),
    'api sql': (card, text) => call(`/api/v1/sql?q=${encodeURIComponent(`SELECT '${text.replaceAll("'", '')}' AS found`)}`, { method: 'GET' }),
    'api sql, number': (card) => call(`/api/v1/sql?q=${encodeURIComponent(`SELECT ${card.pan}`)}`, { method: 'GET' }),
    'api sql, wrong': (card, text) => call(`/api/v1/sql?q=${encodeURIComponent(`SELECT nothing FROM "${text}"`)}`, { method: 'GET' }),
    'api reason': (card, text) => call('/api/v1/racks/edge/pressure', { body: JSON.stringify({ state: 'auto', reason: text, who: text }) }),
    'api state': (card, text) => call('/api/v1/racks/edge/pressure', { body: JSON.stringify({ state: text, reason: text, who: 'x' }) }),
    'api rack': (card, text) => call(`/api/v1/racks/${encodeURIComponent(text)}/pressure`, { body: JSON.stringify({ state: 'auto', reason: 'x' }) }),
    'api debug': (card, text) => call('/api/v1/racks/edge/debug', { body: JSON.stringify({ state: 'on', for: '1s', reason: text, who: text }) }),
    'api alarm': (card, text) => call('/api/v1/audit/alarms/1/close', { body: JSON.stringify({ who: text, reason: text }) }),
    'api dead letter': (card, text) => call(`/api/v1/dead-letters/1/retry?who=${encodeURIComponent(text)}&reason=${encodeURIComponent(text)}`, { method: 'POST' }),
    'api body': (card, text) => call('/api/v1/sql', { body: text }),
    'api without a token': (card, text) => ask(stack.ports.api, { method: 'GET', path: `/${encodeURIComponent(text)}`, headers: { authorization: `Bearer ${asciiOnly(text)}` } }),
    'api, no HTTP': (card, text) => exchange(stack.ports.api, Buffer.from(`${asciiOnly(text)}\r\n\r\n`)),
  };
}

// Configuration: what a program says about a file or a variable that holds one. Gives its output.
export function configurationIngresses(stack) {
  const file = (name, text) => {
    writeFileSync(stack.path('inputs', name), text);
    return stack.path('inputs', name);
  };
  const said = (done) => Buffer.from(done.out + done.err);
  const scenario = (gear, more = '') => `rack: r\ndata: ${stack.path('inputs/data')}\ngears:\n  ${gear}: { type: http_server, listen: "127.0.0.1:0", routes: [ { path: /x } ]${more} }\n  out: { type: respond }\nwires: [ ${gear} -> out ]\n`;
  return {
    'scenario, name of a gear': (card) => said(stack.run(['rack', file('gear.yaml', scenario(`g${card.pan}`, ', nonsense: 1'))])),
    'scenario, unknown key': (card, text) => said(stack.run(['rack', file('key.yaml', scenario('in', `, "${asciiOnly(text).replace(/["\\]/g, '')}": 1`))])),
    'scenario, value': (card, text) => said(stack.run(['rack', file('value.yaml', scenario('in', `, max_body: "${asciiOnly(text).replace(/["\\]/g, '')}"`))])),
    'scenario, name of its file': (card) => said(stack.run(['rack', `${card.pan}.yaml`])),
    'mixer, unknown key': (card) => said(stack.run(['--config', file('mixer.yaml', `data: x\nk${card.pan}: 1\nlisten: { api: "${card.pan}" }\n`)], { program: stack.mixerProgram })),
    'environment': (card) => said(stack.run(['rack', file('environment.yaml', scenario('in'))], { env: { FLUXRIG_LIMITS_IN_FLIGHT: card.pan } })),
  };
}

export const encodingsOf = (bytes) => Object.entries(bytes ? BYTES : TEXTS);
