#!/usr/bin/env node
// A host simulator that is no part of fluxrig: ISO 8583:1987 in characters, two bytes of length before each message.
//   bank.mjs PORT LEDGER SEED
// It writes the terminal (element 41) of each request it was asked to the ledger, before anything else; then it answers after a
// while with response code 00. Ends with SIGTERM.
import { openSync, writeSync } from 'node:fs';
import net from 'node:net';
import { Chance } from './random.mjs';

const [port, ledgerFile, seed] = process.argv.slice(2);
const ledger = openSync(ledgerFile, 'a');
const chance = new Chance(Number(seed));
const LONGEST_MS = 60;

// Elements of examples/maps/authorize.yaml: fixed lengths, 0 for two digits of length before the value.
const LENGTHS = new Map([[2, 0], [3, 6], [4, 12], [7, 10], [11, 6], [12, 6], [13, 4], [14, 4], [22, 3], [37, 12], [39, 2], [41, 8], [42, 15], [49, 3]]);

function parse(text) {
  const bitmap = BigInt(`0x${text.slice(4, 20)}`);
  const elements = new Map();
  let at = 20;
  for (let element = 1; element <= 64; element += 1) {
    if (!((bitmap >> BigInt(64 - element)) & 1n)) continue;
    let length = LENGTHS.get(element);
    if (length === undefined) throw new Error(`element ${element} is not known here`);
    const head = length === 0 ? 2 : 0;
    if (head) length = Number(text.slice(at, at + 2));
    elements.set(element, text.slice(at, at + head + length));
    at += head + length;
  }
  return elements;
}

function render(mti, elements) {
  let bitmap = 0n;
  for (const element of elements.keys()) bitmap |= 1n << BigInt(64 - element);
  const values = [...elements].sort(([a], [b]) => a - b).map(([, value]) => value);
  const text = Buffer.from(mti + bitmap.toString(16).toUpperCase().padStart(16, '0') + values.join(''), 'latin1');
  const frame = Buffer.alloc(2 + text.length);
  frame.writeUInt16BE(text.length);
  text.copy(frame, 2);
  return frame;
}

function asked(socket, text) {
  const elements = parse(text);
  writeSync(ledger, `${elements.get(41)}\n`);
  const answer = new Map([...elements].filter(([element]) => [2, 3, 4, 7, 11, 12, 13, 37, 41, 42, 49].includes(element)).concat([[39, '00']]));
  setTimeout(() => socket.destroyed || socket.write(render('0210', answer)), chance.between(0, LONGEST_MS));
}

const server = net.createServer((socket) => {
  let bytes = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (more) => {
    bytes = Buffer.concat([bytes, more]);
    while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE()) {
      const end = 2 + bytes.readUInt16BE();
      asked(socket, bytes.subarray(2, end).toString('latin1'));
      bytes = bytes.subarray(end);
    }
  });
});
server.listen(Number(port), '127.0.0.1', () => console.log('bank ready'));
process.on('SIGTERM', () => process.exit(0));
