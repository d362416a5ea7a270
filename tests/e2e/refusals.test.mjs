#!/usr/bin/env node
// What is not right is refused in the caller's own words, and recorded with its reason and without its bytes.
import assert from 'node:assert/strict';
import net from 'node:net';
import { runSuite, until } from './suite.mjs';
import { authorization, request, Stack } from './stack.mjs';

const stack = new Stack();
const secret = 'Zq7SECRETPAYLOAD';
const pan = '4532015112830366';

function frame(body) {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(body.length);
  return Buffer.concat([head, body]);
}

// Sends bytes and gives what came back once the peer closed or `enough` says so.
function exchange(port, bytes, enough = () => false) {
  return new Promise((resolve, reject) => {
    const parts = [];
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    const timer = setTimeout(() => socket.destroy(new Error('neither reply nor close in 8 s')), 8000);
    const done = (closed) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ bytes: Buffer.concat(parts), closed });
    };
    socket.on('data', (part) => {
      parts.push(part);
      if (enough(Buffer.concat(parts))) done(false);
    });
    socket.on('end', () => done(true));
    socket.on('error', (error) => (error.code === 'ECONNRESET' ? done(true) : reject(error)));
  });
}

const whole = (bytes) => bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0);

// A problem+json answer, and its one record.
async function refused(answer, status, outcome, reason) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  const problem = answer.json();
  assert.equal(problem.status, status);
  assert.equal(problem.flux_id, answer.headers['flux-id']);
  const trace = await stack.trace(problem.flux_id, 1);
  const [record] = trace.transactions;
  assert.equal(record.rack, 'edge');
  assert.equal(record.outcome, outcome);
  assert.match(record.reason, reason);
  assert.equal(problem.detail, record.reason);
  assert.equal(record.attributes['http.response.status_code'], String(status));
  assert.ok(!JSON.stringify(trace).includes(secret), 'no bytes of the request');
  return record;
}

const hostFailures = () => stack.rows("select reason, attributes from transactions where rack = 'host' and outcome = 'failed'");
const errorsOf = (gear) => stack.number(`select coalesce(max(value), 0) from metrics where name = 'fluxrig.gear.errors' and gear = '${gear}'`);

await runSuite([
  ['malformed JSON is 400 and recorded without its bytes', async () => {
    await stack.start({ edge: { shop: ', max_body: 4KiB', reply_timeout: '1s' }, host: { switch: ', max_frame: 1KiB' } });
    await refused(await stack.shop(`{"card":{"pan":"${secret}"`), 400, 'failed', /not valid JSON/);
  }],
  ['a body that the map cannot take is refused with its reason', async () => {
    const record = await refused(await stack.shop(JSON.stringify({ card: { pan: secret } })), 422, 'failed', /./);
    assert.ok(!record.reason.includes(secret));
  }],
  ['an unknown path is 404 and a wrong method 405', async () => {
    const url = (path) => stack.shop(authorization(pan), { method: path === 'method' ? 'PUT' : 'POST' });
    const wrong = await url('method');
    assert.equal(wrong.headers.allow, 'POST');
    await refused(wrong, 405, 'failed', /./);
    await refused(await request(`http://127.0.0.1:${stack.ports.shop}/${secret}`, { body: '{}' }), 404, 'failed', /./);
  }],
  ['an oversize body is 413', async () => {
    await refused(await stack.shop(secret.repeat(1000)), 413, 'failed', /./);
  }],
  ['bytes that are no HTTP are 400 and the connection closes', async () => {
    const { bytes, closed } = await exchange(stack.ports.shop, Buffer.from(`${secret}\r\n\r\n`));
    assert.ok(closed);
    assert.match(bytes.toString(), /^HTTP\/1\.1 400 /);
  }],
  ['a duplicated traceparent begins a new trace', async () => {
    const parent = (digit) => `00-${digit.repeat(32)}-00f067aa0ba902b7-01`;
    const body = authorization(pan);
    const text = `POST /authorize HTTP/1.1\r\nhost: x\r\ntraceparent: ${parent('a')}\r\ntraceparent: ${parent('b')}\r\n` +
      `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`;
    const { bytes } = await exchange(stack.ports.shop, Buffer.from(text));
    assert.match(bytes.toString(), /^HTTP\/1\.1 200 /);
    const trace = await stack.trace(/flux-id: (\S+)/i.exec(bytes.toString())[1]);
    for (const row of trace.transactions) assert.doesNotMatch(row.trace_id, /^(a{32}|b{32}).*/);
    assert.equal(trace.transactions.find((row) => row.rack === 'edge').parent_span_id, null);
  }],
  ['a malformed ISO 8583 message is answered with 39=30 or a close, counted and recorded without its bytes', async () => {
    const before = (await hostFailures()).length;
    // A 0200 whose element 2 says 19 digits and ends after three: readable enough to be answered or not.
    const { bytes, closed } = await exchange(stack.ports.bank, frame(Buffer.from(`02004000000000000000194${secret.slice(0, 2)}`)), whole);
    if (!closed) assert.match(bytes.subarray(2).toString('latin1'), /^0210.*30/s);
    const rows = await until('the failure is recorded', async () => {
      const found = await hostFailures();
      return found.length === before + 1 && found;
    });
    assert.ok(rows.every((row) => row.reason));
    assert.ok(!JSON.stringify(rows).includes(secret.slice(0, 6)));
    await until('the error is counted', async () => (await errorsOf('codec')) >= 1 || (await errorsOf('switch')) >= 1);
  }],
  ['a frame over the limit closes the connection and is recorded', async () => {
    const before = (await hostFailures()).length;
    const { closed } = await exchange(stack.ports.bank, frame(Buffer.alloc(5000, 0x41)));
    assert.ok(closed);
    await until('the failure is recorded', async () => (await hostFailures()).length === before + 1);
  }],
  ['the host still answers after all of it', async () => {
    assert.equal((await stack.shop(authorization(pan))).status, 200);
  }],
  ['with the bank away the caller gets 503 and Retry-After', async () => {
    await stack.stop('host');
    const away = await until('the edge has noticed', async () => {
      const answer = await stack.shop(authorization(pan));
      return answer.status === 503 && answer;
    });
    assert.match(away.headers['retry-after'], /^\d+$/);
    await refused(away, 503, 'failed', /the peer is not connected|the connection was lost/);
  }],
  ['a bank that never replies is 504', async () => {
    const sockets = new Set();
    const silent = net.createServer((socket) => sockets.add(socket.on('error', () => {}).resume()));
    await new Promise((resolve) => silent.listen(stack.ports.bank, '127.0.0.1', resolve));
    try {
      await until('the edge has connected', () => sockets.size > 0);
      const answer = await until('a request gets as far as the bank', async () => {
        const got = await stack.shop(authorization(pan));
        return got.status !== 503 && got;
      });
      await refused(answer, 504, 'timed_out', /no reply in time/);
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  }],
], () => stack.close());
