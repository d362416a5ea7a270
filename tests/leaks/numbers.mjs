// Made-up cards: every issuer's prefix with every length, a right check digit, a track, a verification code and a PIN
// block of its own. From a seed, so that a failure can be repeated.
import { createHash } from 'node:crypto';

// [prefix, shortest, longest]; written apart from the sanitiser's own table on purpose.
const ISSUERS = [
  ['4', 13, 13], ['4', 16, 16], ['4', 19, 19], ['51', 16, 16], ['55', 16, 16], ['2221', 16, 16], ['2720', 16, 16],
  ['34', 15, 15], ['37', 15, 15], ['300', 14, 19], ['3095', 14, 19], ['36', 14, 19], ['38', 14, 19], ['39', 14, 19],
  ['3528', 16, 19], ['3589', 16, 19], ['6011', 16, 19], ['644', 16, 19], ['65', 16, 19], ['62', 16, 19], ['81', 16, 19],
  ['5018', 12, 19], ['5020', 12, 19], ['5038', 12, 19], ['5893', 12, 19], ['6304', 12, 19], ['6759', 12, 19],
  ['6761', 12, 19], ['6763', 12, 19], ['2200', 16, 19], ['9792', 16, 16], ['506099', 16, 19], ['508', 16, 16],
  ['60', 16, 16], ['82', 16, 16], ['8600', 16, 16], ['9860', 16, 16], ['636', 16, 19], ['606282', 16, 16],
];

export class Random {
  constructor(seed) {
    this.state = createHash('sha256').update(String(seed)).digest().readBigUInt64LE();
  }

  // xorshift64*
  next() {
    let x = this.state;
    x ^= x >> 12n;
    x ^= BigInt.asUintN(64, x << 25n);
    x ^= x >> 27n;
    this.state = x;
    return Number(BigInt.asUintN(64, x * 0x2545f4914f6cdd1dn) >> 32n);
  }

  below(limit) {
    return this.next() % limit;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  digits(count) {
    return Array.from({ length: count }, () => this.below(10)).join('');
  }
}

export function luhn(digits) {
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) {
    const digit = Number(digits[digits.length - 1 - i]) * (i % 2 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 === 0;
}

function withCheckDigit(body) {
  for (let digit = 0; digit < 10; digit += 1) if (luhn(body + digit)) return body + digit;
  throw new Error('no check digit fits');
}

export function makeCards(random, count) {
  const kinds = ISSUERS.flatMap(([prefix, least, most]) =>
    Array.from({ length: most - least + 1 }, (_, i) => ({ prefix, length: least + i })));
  const seen = new Set();
  const cards = [];
  while (cards.length < count) {
    const { prefix, length } = kinds[cards.length % kinds.length];
    const pan = withCheckDigit(prefix + random.digits(length - prefix.length - 1));
    if (seen.has(pan)) continue;
    seen.add(pan);
    const pinBlock = createHash('sha256').update(pan).digest().subarray(0, 8);
    cards.push({ number: cards.length, pan, expiry: `${27 + random.below(5)}${String(1 + random.below(12)).padStart(2, '0')}`,
      cvv: random.digits(3), pin: random.digits(4), pinBlock });
  }
  return cards;
}

export const track2 = (card) => `${card.pan}=${card.expiry}101${card.cvv}00000`;
export const track1 = (card) => `B${card.pan}^DOE/JANE^${card.expiry}101${card.cvv}00000`;
