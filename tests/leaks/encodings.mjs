// The ways in which a number is written into a message: text that fits into JSON, a header or an ISO 8583 element, and
// bytes that fit only into a raw body. Their families are the columns of the table in docs/security.md.

const hex = (text) => Buffer.from(text, 'latin1').toString('hex');
const grouped = (digits, separator) => digits.match(/.{1,4}/g).join(separator);
const base64 = (text) => Buffer.from(text, 'latin1').toString('base64');

export const TEXTS = {
  plain: (pan) => pan,
  blanks: (pan) => grouped(pan, ' '),
  hyphens: (pan) => grouped(pan, '-'),
  points: (pan) => grouped(pan, '.'),
  'in a sentence': (pan) => `card ${pan}, declined`,
  percent: (pan) => [...pan].map((digit) => `%3${digit}`).join(''),
  'percent blanks': (pan) => grouped(pan, '%20'),
  'json escapes': (pan) => [...pan].map((digit) => `\\u003${digit}`).join(''),
  'x escapes': (pan) => [...pan].map((digit) => `\\x3${digit}`).join(''),
  hex: (pan) => hex(pan),
  'hex, upper case': (pan) => hex(`PAN:${pan}`).toUpperCase(),
  'base64, phase 0': (pan) => base64(pan),
  'base64, phase 1': (pan) => base64(`x${pan}`),
  'base64, phase 2': (pan) => base64(`x:${pan}"`),
  'base64url': (pan) => Buffer.from(`~~~${pan}???`).toString('base64url'),
  'track 2': (pan, card) => `${pan}=${card.expiry}1010000012345`,
  'track 1': (pan, card) => `%B${pan}^DOE/JANE^${card.expiry}1010000?`,
};

export function packed(pan, shifted) {
  const nibbles = (shifted ? 'C' : '') + pan;
  return Buffer.from(nibbles.length % 2 ? `${nibbles}F` : nibbles, 'hex');
}

function integer(pan, little) {
  const bytes = Buffer.alloc(8);
  if (little) bytes.writeBigUInt64LE(BigInt(pan));
  else bytes.writeBigUInt64BE(BigInt(pan));
  return bytes;
}

export const BYTES = {
  'utf-16, little': (pan) => Buffer.from(pan, 'utf16le'),
  'utf-16, big': (pan) => Buffer.from(pan, 'utf16le').swap16(),
  ebcdic: (pan) => Buffer.from([...pan].map((digit) => 0xf0 + Number(digit))),
  packed: (pan) => packed(pan, false),
  'packed, shifted': (pan) => packed(pan, true),
  'integer, little': (pan) => integer(pan, true),
  'integer, big': (pan) => integer(pan, false),
  'pin block': (_, card) => card.pinBlock,
};

// What is the field's own form: the number alone, with what else the card has in its own fields.
export const OWN = 'its own form';

export const FAMILIES = {
  'own form': [OWN],
  'digits, separators': ['plain', 'blanks', 'hyphens', 'points', 'in a sentence'],
  'percent, JSON, `\\x`': ['percent', 'percent blanks', 'json escapes', 'x escapes'],
  hex: ['hex', 'hex, upper case'],
  'base64, 3 phases, URL': ['base64, phase 0', 'base64, phase 1', 'base64, phase 2', 'base64url'],
  tracks: ['track 1', 'track 2'],
  'UTF-16': ['utf-16, little', 'utf-16, big'],
  EBCDIC: ['ebcdic'],
  'packed, both': ['packed', 'packed, shifted'],
  integers: ['integer, little', 'integer, big'],
  'PIN block': ['pin block'],
};
