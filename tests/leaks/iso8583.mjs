// ISO 8583:1987 in ASCII as a peer would write and read it, straight from the shipped specification.
import { readFileSync } from 'node:fs';

const SPEC = new URL('../../specs/iso8583-1987-ascii.yaml', import.meta.url);
const ELEMENTS = new Map([...readFileSync(SPEC, 'utf8').matchAll(/^ {2}(\d+): \{ format: ([\w+]+), type: (\w+), length: (\d+)/gm)]
  .map(([, number, format, type, length]) => [Number(number), { format, type, length: Number(length) }]));

// Free text, or card data by their definition.
export const TEXT_ELEMENTS = [43, 44, 46, 47, 48, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 98, 101, 102, 103, 104, 105, 110, 120, 121, 122,
  123, 124, 125, 126, 127];

const sizeOf = ({ format, length }) => (format === 'b' ? 2 * length : length);

function write(element, value) {
  const definition = ELEMENTS.get(element);
  if (definition.type === 'fixed') {
    const size = sizeOf(definition);
    return definition.format === 'n' ? value.padStart(size, '0') : value.padEnd(size, ' ').slice(0, size);
  }
  return String(value.length).padStart(definition.type === 'llvar' ? 2 : 3, '0') + value;
}

export const fits = (element, value) => value.length <= ELEMENTS.get(element).length;

// `elements`: number to text. The bytes without a framing.
export function message(type, elements) {
  const numbers = Object.keys(elements).map(Number).sort((a, b) => a - b);
  const bits = new Array(128).fill(0);
  for (const number of numbers) bits[number - 1] = 1;
  const long = numbers.at(-1) > 64;
  if (long) bits[0] = 1;
  const bitmap = bits.slice(0, long ? 128 : 64).join('').match(/.{4}/g).map((four) => parseInt(four, 2).toString(16).toUpperCase()).join('');
  return Buffer.from(type + bitmap + numbers.map((number) => write(number, elements[number])).join(''), 'latin1');
}

// What a peer makes of a message without its framing: { type, elements }.
export function read(bytes) {
  const text = bytes.toString('latin1');
  const first = text.slice(4, 20);
  const long = parseInt(first[0], 16) >= 8;
  const bits = [...text.slice(4, long ? 36 : 20)].flatMap((digit) => [...parseInt(digit, 16).toString(2).padStart(4, '0')]);
  let at = long ? 36 : 20;
  const elements = {};
  for (let number = 2; number <= bits.length; number += 1) {
    if (bits[number - 1] !== '1') continue;
    const definition = ELEMENTS.get(number);
    const digits = { fixed: 0, llvar: 2, lllvar: 3 }[definition.type];
    const size = digits ? Number(text.slice(at, at + digits)) : sizeOf(definition);
    elements[number] = text.slice(at + digits, at + digits + size);
    at += digits + size;
  }
  return { type: text.slice(0, 4), elements };
}

export function framed(bytes) {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

const base = { 3: '000000', 4: '1050', 7: '1128190000', 12: '190000', 13: '1128', 41: 'TERM0001', 42: 'SHOP0001', 49: '978' };
let trace = 0;
export function purchase(elements) {
  trace = (trace + 1) % 1_000_000;
  const stan = String(trace).padStart(6, '0');
  return message('0200', { ...base, 11: stan, 37: `633119${stan}`, ...elements });
}

// Texts spread over up to four elements that take them; what fits nowhere is left out.
export function spread(texts, random) {
  const elements = {};
  const each = Math.ceil(texts.length / 4);
  let rest = texts;
  for (let i = 0; i < 4 && rest.length > 0; i += 1) {
    const free = TEXT_ELEMENTS.filter((element) => !(element in elements) && fits(element, rest[0]));
    if (free.length === 0) break;
    const element = random.pick(free);
    let taken = 1;
    while (taken < each && taken < rest.length && fits(element, rest.slice(0, taken + 1).join(' '))) taken += 1;
    elements[element] = rest.slice(0, taken).join(' ');
    rest = rest.slice(taken);
  }
  return elements;
}
