// The ways in at the mixer: its API, the bus with a rack's certificate, and what programs are configured with; and the port
// of a rack for its operators.
import { readFileSync, writeFileSync } from 'node:fs';
import { headers as natsHeaders } from '@nats-io/transport-node';
import { Encoder } from 'cbor-x';
import { ask, asciiOnly, exchange, many, own } from './ingress.mjs';

// What an operator, or somebody who has the API's address, may send to the mixer.
export function apiIngresses(stack) {
  const authorization = () => `Bearer ${readFileSync(stack.path('mixer/api-token'), 'utf8').trim()}`;
  const call = (path, options = {}) => ask(stack.ports.api, { path, ...options, headers: { authorization: authorization(), ...options.headers } });
  const get = (path) => call(path, { method: 'GET' });
  const sent = (path, body) => call(path, { body: JSON.stringify(body) });
  const uri = encodeURIComponent;
  return {
    'api path': many(600, (_, text) => get(`/api/v1/trace/${uri(text)}`)),
    'api path, unknown': many(600, (_, text) => get(`/api/v1/${uri(text)}`)),
    'api query': many(300, (_, text) => get(`/api/v1/transactions?${uri(text)}=1&rack=${uri(text)}`)),
    'api sql': many(600, (_, text) => get(`/api/v1/sql?q=${uri(`SELECT '${text.replaceAll("'", '')}' AS found`)}`)),
    'api sql, number': own((_, card) => get(`/api/v1/sql?q=${uri(`SELECT ${card.pan}`)}`)),
    'api sql, wrong': many(600, (_, text) => get(`/api/v1/sql?q=${uri(`SELECT nothing FROM "${text}"`)}`)),
    'api reason': many(400, (_, text) => sent('/api/v1/racks/edge/pressure', { state: 'auto', reason: text, who: text })),
    'api state': many(200, (_, text) => sent('/api/v1/racks/edge/pressure', { state: text, reason: text, who: 'x' })),
    'api rack': many(200, (_, text) => sent(`/api/v1/racks/${uri(text)}/pressure`, { state: 'auto', reason: 'x' })),
    'api debug': many(400, (_, text) => sent('/api/v1/racks/edge/debug', { state: 'on', for: '1s', reason: text, who: text })),
    'api alarm': many(400, (_, text) => sent('/api/v1/audit/alarms/1/close', { who: text, reason: text })),
    'api dead letter': many(300, (_, text) => call(`/api/v1/dead-letters/1/retry?who=${uri(text)}&reason=${uri(text)}`)),
    'api body': many(2000, (_, text) => call('/api/v1/sql', { body: text })),
    'api without a token': many(600, (_, text) => ask(stack.ports.api, { method: 'GET', path: `/${uri(text)}`, headers: { authorization: `Bearer ${asciiOnly(text)}` } })),
    'api, no HTTP': many(1200, (_, text) => exchange(stack.ports.api, Buffer.from(`${asciiOnly(text)}\r\n\r\n`))),
  };
}

// Whoever reaches the port of a rack's `monitor`.
export const monitorIngresses = {
  'monitor path': many(1500, (w, text) => ask(w.ports.edgeMonitor, { method: 'GET', path: `/${encodeURIComponent(text)}` })),
  'monitor query': many(1500, (w, text) => ask(w.ports.edgeMonitor, { method: 'GET', path: `/metrics?${encodeURIComponent(text)}` })),
  'monitor headers': many(1500, (w, text) => ask(w.ports.edgeMonitor, { method: 'GET', path: '/metrics', headers: { accept: asciiOnly(text), 'user-agent': asciiOnly(text) } })),
  'monitor body': many(1500, (w, text) => ask(w.ports.edgeMonitor, { path: '/metrics', body: text })),
  'monitor, no HTTP': many(1200, (w, text) => exchange(w.ports.edgeMonitor, Buffer.from(`${asciiOnly(text)}\r\n\r\n`))),
};

const cbor = new Encoder({ mapsAsObjects: false, useRecords: false });
const map = (...pairs) => cbor.encode(new Map(pairs));
const token = (text) => asciiOnly(text).replace(/[\s.*>]/g, '-').slice(0, 200);

// What who has a rack's certificate can put on the bus by hand, in spite of every gate that the rack has. JetStream keeps
// it as it came, before anybody looks; from the mixer, and from the rack that a message is for, it must go no further.
// `edge` and `third`: { connection, machine } with the certificates of those racks.
export function busIngresses({ edge, third }) {
  const put = (peer, subject, payload, text) => {
    const headers = natsHeaders();
    if (text) for (const name of ['tracestate', 'baggage', 'flux-id', 'flux-request', 'content-type']) headers.set(name, text);
    peer.connection.publish(subject, payload, { headers });
    return { bytes: Buffer.alloc(0) };
  };
  const ask = async (peer, subject, payload) => {
    const answer = await peer.connection.request(subject, payload, { timeout: 1_000 }).catch(() => undefined);
    return { bytes: Buffer.from(answer?.data ?? []) };
  };
  const agent = (kind) => `flux.agent.${kind}.${third.machine}`;
  return {
    'bus: message that is none': many(2000, (_, text) => put(edge, 'flux.msg.edge.send.out', Buffer.from(text))),
    'bus: message in clear': many(2000, (_, text, { cards }) => put(edge, 'flux.msg.edge.send.out', map([0, 1], [1, Buffer.from(text)], [2, ['2', Buffer.from(cards[0].pan), 'note', Buffer.from(text)]], [3, ['url.path', Buffer.from('/order')]]), 'application/vnd.fluxrig.message+cbor')),
    'bus: headers of a message': many(400, (_, text) => put(edge, 'flux.msg.edge.send.out', map([0, 1]), asciiOnly(text))),
    'bus: subject of a message': many(200, (_, text) => put(third, `flux.msg.third.${token(text)}.out`, Buffer.from('x'))),
    'bus: audit block that is none': many(2000, (_, text) => put(third, `flux.audit.${third.machine}`, Buffer.from(text))),
    'bus: telemetry block that is none': many(2000, (_, text) => put(third, `flux.telemetry.${third.machine}`, Buffer.from(text))),
    'bus: hello': many(60, (_, text) => ask(third, agent('hello'), map([0, 1], [1, 'third'], [2, text.slice(0, 64)], [3, 7], [4, []], [7, ['host.name', text, text.slice(0, 60), 'x']]))),
    'bus: hello, another name': many(60, (_, text) => ask(third, agent('hello'), map([0, 1], [1, text.slice(0, 64)], [2, '0.1.0'], [3, 7], [4, []]))),
    'bus: hello, a gear': many(60, (_, text) => ask(third, agent('hello'), map([0, 1], [1, 'third'], [2, '0.1.0'], [3, 7], [4, [[text.slice(0, 32), text]]]))),
    'bus: hello, a gear of that name': many(60, (_, text) => ask(third, agent('hello'), map([0, 1], [1, 'third'], [2, '0.1.0'], [3, 7], [4, [[token(text).toLowerCase().slice(0, 32), `flux.msg.third.${token(text)}.out`]]]))),
    'bus: hello that is none': many(600, (_, text) => ask(third, agent('hello'), Buffer.from(text))),
    'bus: heartbeat': many(600, (_, text) => put(third, agent('heartbeat'), map([0, 1], [1, 7], [2, JSON.stringify({ note: text, [text]: 1 })], [3, 2], [4, text.slice(0, 64)]))),
    'bus: heartbeat, a number': own((_, card) => put(third, agent('heartbeat'), map([0, 1], [1, 7], [2, `{"count":${card.pan}}`]))),
    'bus: answer to a command': many(400, (_, text) => put(third, `flux.ctrl.mixer.${third.machine}`, map([0, 1], [1, Buffer.alloc(16, 1)], [2, text], [3, new Map([['state', text.slice(0, 200)]])]))),
  };
}

// Configuration: what a program says about a file or a variable that holds one. Gives its output.
export function configurationIngresses(stack) {
  const file = (name, text) => {
    writeFileSync(stack.path('inputs', name), text);
    return stack.path('inputs', name);
  };
  const said = (done) => ({ bytes: Buffer.from(done.out + done.err) });
  const quotable = (text) => asciiOnly(text).replace(/["\\]/g, '');
  const scenario = (gear, more = '') => `rack: r\ndata: ${stack.path('inputs/data')}\ngears:\n  ${gear}: { type: http_server, listen: "127.0.0.1:0", routes: [ { path: /x } ]${more} }\n  out: { type: respond }\nwires: [ ${gear} -> out ]\n`;
  return {
    'scenario, name of a gear': own((_, card) => said(stack.run(['rack', file('gear.yaml', scenario(`g${card.pan}`, ', nonsense: 1'))]))),
    'scenario, unknown key': many(300, (_, text) => said(stack.run(['rack', file('key.yaml', scenario('in', `, "${quotable(text)}": 1`))]))),
    'scenario, value': many(300, (_, text) => said(stack.run(['rack', file('value.yaml', scenario('in', `, max_body: "${quotable(text)}"`))]))),
    'scenario, name of its file': own((_, card) => said(stack.run(['rack', `${card.pan}.yaml`]))),
    'mixer, unknown key': own((_, card) => said(stack.run(['--config', file('mixer.yaml', `data: x\nk${card.pan}: 1\nlisten: { api: "${card.pan}" }\n`)], { program: stack.mixerProgram }))),
    environment: own((_, card) => said(stack.run(['rack', file('environment.yaml', scenario('in'))], { env: { FLUXRIG_LIMITS_IN_FLIGHT: card.pan } }))),
  };
}
