// ISO 8583:1987 in ASCII as a peer would write it, straight from the shipped specification.
import { readFileSync } from 'node:fs';

const SPEC = new URL('../../specs/iso8583-1987-ascii.yaml', import.meta.url);
const ELEMENTS = new Map([...readFileSync(SPEC, 'utf8').matchAll(/^ {2}(\d+): \{ format: ([\w+]+), type: (\w+), length: (\d+)/gm)]
  .map(([, number, format, type, length]) => [Number(number), { format, type, length: Number(length) }]));

// Free text, or card data by their definition.
export const TEXT_ELEMENTS = [43, 44, 46, 47, 48, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 98, 101, 102, 103, 104, 105, 110, 120, 121, 122,
  123, 124, 125, 126, 127];

function write(element, value) {
  const { format, type, length } = ELEMENTS.get(element);
  if (type === 'fixed') {
    const size = format === 'b' ? 2 * length : length;
    return format === 'n' ? value.padStart(size, '0') : value.padEnd(size, ' ').slice(0, size);
  }
  return String(value.length).padStart(type === 'llvar' ? 2 : 3, '0') + value;
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

export function framed(bytes) {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
