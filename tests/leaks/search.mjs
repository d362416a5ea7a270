// Finds cards in any bytes, in every encoding, with decoders of its own: nothing of the sanitiser is used. Each decoder
// gives runs of digits; every window of a run is looked up in the set of the cards that were pushed. A bit for the first
// digits of each card comes before the look-up, so that one pass serves any number of cards.

const ZEROS = Buffer.alloc(4096);
const PIECE = 8 << 20;     // a string of JavaScript has an end
const OVERLAP = 4 << 10;   // longer than any encoding of a number
const HEAD = 8;            // digits that a bit stands for
const LEAST = 12;
const MOST = 19;

// Segments of a WAL are mostly zeros.
function withoutZeroPages(bytes) {
  const kept = [];
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const page = bytes.subarray(at, at + ZEROS.length);
    if (!page.equals(ZEROS.subarray(0, page.length))) kept.push(page);
  }
  return kept.length * ZEROS.length >= bytes.length ? bytes : Buffer.concat(kept);
}

function* pieces(bytes) {
  const all = withoutZeroPages(bytes);
  for (let at = 0; at < all.length; at += PIECE) yield all.subarray(at, at + PIECE + OVERLAP);
}

const SEPARATED = /\d(?:[ \-._/+\xa0]{0,3}\d){11,}/g;
const digitsOf = (text) => (text.match(SEPARATED) ?? []).map((run) => run.replace(/\D/g, ''));

function* hexRuns(text) {
  for (const [run] of text.matchAll(/[0-9A-Fa-f]{24,}/g))
    for (const start of [0, 1]) {
      const even = run.slice(start, run.length - ((run.length - start) % 2));
      yield Buffer.from(even, 'hex').toString('latin1');
    }
}

function* base64Runs(text) {
  for (const [run] of text.matchAll(/[A-Za-z0-9+/_-]{16,}/g))
    for (let start = 0; start < 4; start += 1) yield Buffer.from(run.slice(start), 'base64').toString('latin1');
}

// What a whole run of base64 holds as bytes: OTLP has fields of bytes, and stores and JSON have none.
function bytesInBase64(text) {
  const parts = [];
  for (const [run] of text.matchAll(/[A-Za-z0-9+/]{10,}={0,2}/g))
    if (run.length % 4 === 0) parts.push(Buffer.from(run, 'base64'), Buffer.from('\n'));
  return Buffer.concat(parts);
}

const utf16 = (text) => digitsOf(text.replace(/\0|\\+u0000/g, ''));
const ebcdic = (text) => (text.match(/[\xf0-\xf9](?:[\x40\x60\x4b]?[\xf0-\xf9]){11,}/g) ?? [])
  .map((run) => [...run].filter((c) => c >= '\xf0').map((c) => c.charCodeAt(0) - 0xf0).join(''));
const packed = (bytes) => bytes.toString('hex').match(/\d{12,}/g) ?? [];

// The columns of the table of places in docs/security.md, with those below.
const DECODERS = [
  ['digits, separators', (text) => digitsOf(text)],
  ['percent, JSON, `\\x`', (text) => digitsOf(text.replace(/(?:%|\\+u00|\\+x)([2-7][0-9A-Fa-f])/g, (_, code) => String.fromCharCode(parseInt(code, 16))))],
  ['UTF-16', utf16],
  ['EBCDIC', ebcdic],
  ['hex', (text) => [...hexRuns(text)].flatMap((decoded) => digitsOf(decoded))],
  ['base64, 3 phases, URL', (text) => [...base64Runs(text)].flatMap((decoded) => digitsOf(decoded))],
  ['packed, both', (_, bytes) => packed(bytes)],
];
const IN_BASE64 = 'base64 of bytes';
const INTEGERS = 'integers, doubles';
const PIN_BLOCK = 'PIN block';
export const DECODED = [...DECODERS.map(([name]) => name), IN_BASE64, INTEGERS, PIN_BLOCK, 'half-masked', 'named codes'];

// A set of numbers of which most are not in it: a bit for each hash.
class Bits {
  constructor(bits) {
    this.bytes = new Uint8Array(bits >>> 3);
    this.mask = bits - 1;
  }

  add(value) {
    this.bytes[(value & this.mask) >>> 3] |= 1 << (value & 7);
  }

  has(value) {
    return (this.bytes[(value & this.mask) >>> 3] & (1 << (value & 7))) !== 0;
  }
}

const NIBBLE = new Int8Array(256).fill(-1);
for (const [i, digit] of [...'0123456789abcdef'].entries()) {
  NIBBLE[digit.charCodeAt(0)] = i;
  NIBBLE[digit.toUpperCase().charCodeAt(0)] = i;
}

export class Search {
  constructor(cards) {
    this.pans = new Map(cards.map((card) => [card.pan, card]));
    this.heads = new Bits(1 << 27);  // more than 10^8
    for (const { pan } of cards) this.heads.add(Number(pan.slice(0, HEAD)));
    // Eight bytes, as low and high half: integers in both orders, doubles, PIN blocks.
    this.lows = new Bits(1 << 26);
    this.highs = new Bits(1 << 26);
    this.words = new Map();
    const add = (word, card, encoding) => {
      const [low, high] = [word.readUInt32LE(0), word.readUInt32LE(4)];
      this.lows.add(low);
      this.highs.add(high);
      this.words.set(`${low},${high}`, { card, encoding });
    };
    for (const card of cards) {
      for (const form of ['LE', 'BE', 'double']) {
        const word = Buffer.alloc(8);
        if (form === 'double') word.writeDoubleLE(Number(card.pan));
        else word[`writeBigUInt64${form}`](BigInt(card.pan));
        add(word, card, INTEGERS);
      }
      add(card.pinBlock, card, PIN_BLOCK);
    }
    this.pinBlocks = new Map(cards.map((card) => [card.pinBlock.toString('hex'), card]));
    this.pinHeads = new Bits(1 << 26);
    for (const { pinBlock } of cards) this.pinHeads.add(pinBlock.readUInt32BE(0));
  }

  // [{ card, encoding }], each once.
  in(all) {
    const found = new Map();
    const note = (card, encoding) => found.set(`${card.number} ${encoding}`, { card, encoding });
    for (const bytes of pieces(all)) {
      const text = bytes.toString('latin1');
      for (const [encoding, decode] of DECODERS)
        for (const run of decode(text, bytes)) this.#windows(run, encoding, note);
      this.#words(bytes, note);
      this.#pinBlocks(bytes, note);
      this.#base64(text, (card) => note(card, IN_BASE64));
    }
    return [...found.values()];
  }

  #base64(text, note) {
    const bytes = bytesInBase64(text);
    const decoded = bytes.toString('latin1');
    for (const run of [...utf16(decoded), ...ebcdic(decoded), ...packed(bytes)]) this.#windows(run, IN_BASE64, note);
    this.#words(bytes, note);
  }

  #windows(run, encoding, note) {
    let head = 0;
    for (let end = 0; end < run.length; end += 1) {
      head = (head * 10 + run.charCodeAt(end) - 0x30) % 1e8;
      const at = end + 1 - HEAD;
      if (at < 0 || at + LEAST > run.length || !this.heads.has(head)) continue;
      for (let size = LEAST; size <= MOST && at + size <= run.length; size += 1) {
        const card = this.pans.get(run.substr(at, size));
        if (card) note(card, encoding);
      }
    }
  }

  #words(bytes, note) {
    if (bytes.length < 8) return;
    let low = bytes.readUInt32LE(0);
    for (let at = 0; at + 8 <= bytes.length; at += 1) {
      if (this.lows.has(low)) {
        const high = bytes.readUInt32LE(at + 4);
        const hit = this.highs.has(high) && this.words.get(`${low},${high}`);
        if (hit) note(hit.card, hit.encoding);
      }
      low = ((low >>> 8) | (bytes[at + 4] << 24)) >>> 0;
    }
  }

  // In hexadecimal digits, from any of them.
  #pinBlocks(bytes, note) {
    let head = 0;
    let digits = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      const value = NIBBLE[bytes[at]];
      if (value < 0) {
        digits = 0;
        continue;
      }
      head = ((head << 4) | value) >>> 0;
      digits += 1;
      if (digits < 8 || !this.pinHeads.has(head)) continue;
      const card = this.pinBlocks.get(bytes.toString('latin1', at - 7, at + 9).toLowerCase());
      if (card) note(card, PIN_BLOCK);
    }
  }
}

// What a mask must never leave of a number: more than its first six and its last four digits.
export class HalfMasked {
  constructor(cards) {
    this.ends = new Map();
    this.heads = new Map();
    const add = (map, key, pan) => {
      if (!map.has(key)) map.set(key, []);
      map.get(key).push(pan);
    };
    for (const { pan } of cards) {
      add(this.ends, `${pan.slice(0, 6)} ${pan.slice(-4)}`, pan);
      add(this.heads, pan.slice(0, 9), pan);
    }
  }

  in(all) {
    const found = [];
    for (const bytes of pieces(all))
      for (const [run, left, right] of bytes.toString('latin1').matchAll(/(\d{6,64})\*{2,}(\d{0,64})/g))
        if (this.#isLeft(left, right)) found.push(run);
    return found;
  }

  #isLeft(left, right) {
    for (let at = 0; at + 6 <= left.length; at += 1) {
      const head = left.slice(at);
      if (head.length >= 9 && this.heads.get(head.slice(0, 9))?.some((pan) => pan.startsWith(head))) return true;
      // Its last four digits, and a digit that stands beside them by chance.
      const whole = this.ends.has(`${head.slice(0, 6)} ${right.slice(0, 4)}`);
      for (let end = 4; end <= right.length && !(whole && head.length === 6); end += 1) {
        const tail = right.slice(0, end);
        const pans = this.ends.get(`${head.slice(0, 6)} ${tail.slice(-4)}`) ?? [];
        if (head.length + tail.length > 10 && pans.some((pan) => pan.startsWith(head) && pan.endsWith(tail))) return true;
      }
    }
    return false;
  }
}

// A verification code or a PIN beside its name; the codes themselves are too short to be looked for alone.
export class NamedCodes {
  constructor(cards) {
    this.codes = new Set(cards.flatMap((card) => [card.cvv, card.pin]));
  }

  in(all) {
    return [...pieces(all)].flatMap((bytes) => {
      const found = bytes.toString('latin1').matchAll(/(?:cvv2?|cvc2?|security code|"?pin"?)["' :=]{1,4}(\d{3,4})(?!\d)/gi);
      return [...found].filter((match) => this.codes.has(match[1])).map((match) => match[0]);
    });
  }
}
