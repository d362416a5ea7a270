// ISO 8583 peers of a rack: the npm package iso_8583 for a message with both bitmaps, and vectors by hand from the standard.
// The package mis-slices an ASCII bitmap that has no secondary one (it always takes 32 hex digits of bitmap), so messages of
// that kind are bytes written out here.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import iso8583 from 'iso_8583';
import { freePort, Stack } from '../e2e/stack.mjs';

const stack = new Stack();
const ports = {};

before(async () => {
  for (const [name, spec] of [['ascii', 'iso8583-1987-ascii'], ['binary', 'iso8583-1987-binary']]) {
    ports[name] = await freePort();
    stack.writeScenario(name, `rack: ${name}\ndata: ${stack.path(name)}\ngears:
  terminals: { type: tcp_server, listen: "127.0.0.1:${ports[name]}", framing: length2 }
  codec:     { type: iso8583, spec: ${spec} }
  host:      { type: respond, echo: ["3", "4", "7", "11", "37", "41", "49", "70"], set: { "39": "00" }, authorization: false }
wires: [ terminals -> codec -> host ]\n`);
    await stack.startRack(name, { welcomed: false });
  }
});
after(() => stack.close());

function call(port, body) {
  return new Promise((resolve, reject) => {
    let got = Buffer.alloc(0);
    const head = Buffer.alloc(2);
    head.writeUInt16BE(body.length);
    const socket = net.connect(port, '127.0.0.1', () => socket.write(Buffer.concat([head, body])));
    socket.setTimeout(5000, () => socket.destroy(new Error('no reply in 5 s')));
    socket.on('error', reject);
    socket.on('end', () => reject(new Error('closed without a reply')));
    socket.on('data', (part) => {
      got = Buffer.concat([got, part]);
      if (got.length < 2 || got.length < 2 + got.readUInt16BE(0)) return;
      socket.destroy();
      resolve(got.subarray(2));
    });
  });
}

test('a 0800 of one bitmap and ASCII digits is answered as the standard says, byte by byte', async () => {
  // 7, 11: bits 7 and 11 of the primary bitmap: 0000 0010 0010 0000.
  const reply = await call(ports.ascii, Buffer.from('0800' + '0220000000000000' + '1122163000' + '000042'));
  // 7, 11, 39: bit 39 is 0000 0010 in the fifth byte.
  assert.equal(reply.toString('latin1'), '0810' + '0220000002000000' + '1122163000' + '000042' + '00');
});

test('a 0800 with a secondary bitmap keeps element 70', async () => {
  const reply = await call(ports.ascii, Buffer.from('0800' + '8220000000000000' + '0400000000000000' + '1122163000' + '000043' + '301'));
  assert.equal(reply.toString('latin1'), '0810' + '8220000002000000' + '0400000000000000' + '1122163000' + '000043' + '00' + '301');
});

test('a 0200 with variable and fixed text elements is answered byte by byte', async () => {
  // 2, 3, 4, 7, 11, 41, 49.
  const request = '0200' + '7220000000808000' + '16' + '4242424242424242' + '000000' + '000000001050' + '1122163000' + '000044' + 'TERM0001' + '978';
  const reply = await call(ports.ascii, Buffer.from(request));
  assert.equal(reply.toString('latin1'), '0210' + '3220000002808000' + '000000' + '000000001050' + '1122163000' + '000044' + '00' + 'TERM0001' + '978');
});

test('what the npm package builds with both bitmaps in ASCII is understood, and it unpacks the answer', async () => {
  const message = new iso8583({ 0: '0800', 7: '1122163000', 11: '000045', 70: '301' });
  const packed = message.getBufferMessage();
  assert.ok(Buffer.isBuffer(packed), JSON.stringify(packed));
  // Its own form: length, message type in ASCII, 16 raw bytes of bitmap, elements in ASCII.
  const raw = packed.subarray(2);
  const ascii = Buffer.concat([raw.subarray(0, 4), Buffer.from(raw.subarray(4, 20).toString('hex')), raw.subarray(20)]);
  const reply = await call(ports.ascii, ascii);
  const binary = Buffer.concat([reply.subarray(0, 4), Buffer.from(reply.subarray(4, 36).toString('latin1'), 'hex'), reply.subarray(36)]);
  const head = Buffer.alloc(2);
  head.writeUInt16BE(binary.length);
  const unpacked = new iso8583().getIsoJSON(Buffer.concat([head, binary]));
  assert.equal(unpacked[0], '0810');
  assert.equal(unpacked[11], '000045');
  assert.equal(unpacked[39], '00');
  assert.equal(unpacked[70], '301');
});
