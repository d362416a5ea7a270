// The deterministic CBOR of docs/formats/records.md and block.md, decoded strictly: what a verifier needs and no more.
export const need = (truth, what = 'not valid') => { if (!truth) throw new Error(what); };
export const hex = (bytes) => Buffer.from(bytes).toString('hex');

// Deterministic CBOR: unsigned and negative integers as BigInt, byte strings as Buffer, text, arrays, maps as Map, simple
// values and doubles. [value, offset behind it]
export function item(bytes, at = 0, depth = 0) {
  need(at < bytes.length && depth <= 32, 'cut');
  const major = bytes[at] >> 5;
  const info = bytes[at] & 31;
  if (major === 7) {
    need(info >= 20 && info <= 22 || info === 27);
    need(info < 27 || at + 9 <= bytes.length, 'cut');
    return info < 27 ? [[false, true, null][info - 20], at + 1] : [bytes.readDoubleBE(at + 1), at + 9];
  }
  need(major !== 6 && info <= 27);
  const width = info < 24 ? 0 : 1 << (info - 24);
  need(at + 1 + width <= bytes.length, 'cut');
  const argument = width === 0 ? BigInt(info) : BigInt(`0x${hex(bytes.subarray(at + 1, at + 1 + width))}`);
  need(width === 0 || argument >= (width === 1 ? 24n : 1n << BigInt(width * 4)), 'not the shortest form');
  let end = at + 1 + width;
  if (major === 0) return [argument, end];
  if (major === 1) return [-1n - argument, end];
  need(argument <= BigInt(bytes.length - end), 'cut');
  if (major < 4) {
    const content = bytes.subarray(end, end + Number(argument));
    return [major === 2 ? content : new TextDecoder('utf-8', { fatal: true }).decode(content), end + Number(argument)];
  }
  const items = [];
  for (let i = 0n; i < argument * BigInt(major - 3); i += 1n) {
    const [value, next] = item(bytes, end, depth + 1);
    items.push(value);
    end = next;
  }
  return [major === 4 ? items : new Map(Array.from({ length: items.length / 2 }, (_, i) => [items[2 * i], items[2 * i + 1]])), end];
}

// A whole map with ascending unsigned keys.
export function map(bytes) {
  const [value, end] = item(bytes);
  need(value instanceof Map && end === bytes.length);
  let last = -1n;
  for (const key of value.keys()) { need(typeof key === 'bigint' && key > last); last = key; }
  return (key) => value.get(BigInt(key));
}
export const unsigned = (value, most = 2n ** 64n - 1n) => { need(typeof value === 'bigint' && value >= 0n && value <= most); return value; };
export const buffer = (value, size) => { need(Buffer.isBuffer(value) && (size === undefined || value.length === size)); return value; };
