// Finds cards in any bytes, in every encoding, with decoders of its own: nothing of the sanitiser is used. Each decoder
// gives runs of digits; every window of a run is looked up in the set of the cards that were pushed.

const ZEROS = Buffer.alloc(4096);

// Segments of a WAL are mostly zeros.
function withoutZeroPages(bytes) {
  const kept = [];
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const page = bytes.subarray(at, at + ZEROS.length);
    if (!page.equals(ZEROS.subarray(0, page.length))) kept.push(page);
  }
  return Buffer.concat(kept);
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

// [encoding, runs of digits that these bytes hold in it]
const DECODERS = [
  ['text', (text) => digitsOf(text)],
  ['escapes', (text) => digitsOf(text.replace(/(?:%|\\+u00|\\+x)([2-7][0-9A-Fa-f])/g, (_, code) => String.fromCharCode(parseInt(code, 16))))],
  ['utf-16', (text) => digitsOf(text.replaceAll('\0', ''))],
  ['ebcdic', (text) => (text.match(/[\xf0-\xf9](?:[\x40\x60\x4b]?[\xf0-\xf9]){11,}/g) ?? [])
    .map((run) => [...run].filter((c) => c >= '\xf0').map((c) => c.charCodeAt(0) - 0xf0).join(''))],
  ['hex', (text) => [...hexRuns(text)].flatMap((decoded) => digitsOf(decoded))],
  ['base64', (text) => [...base64Runs(text)].flatMap((decoded) => digitsOf(decoded))],
  ['packed', (_, bytes) => bytes.toString('hex').match(/\d{12,}/g) ?? []],
];

export class Search {
  constructor(cards) {
    this.cards = cards;
    this.pans = new Map(cards.map((card) => [card.pan, card]));
    // Eight bytes, as low and high half: integers in both orders, doubles, PIN blocks.
    this.low = new Uint8Array(1 << 21);
    this.words = new Map();
    const add = (word, card, encoding) => {
      const [low, high] = [word.readUInt32LE(0), word.readUInt32LE(4)];
      this.low[(low >>> 3) & 0x1fffff] |= 1 << (low & 7);
      this.words.set(`${low},${high}`, { card, encoding });
    };
    for (const card of cards) {
      for (const encoding of ['integer, little', 'integer, big', 'double']) {
        const word = Buffer.alloc(8);
        if (encoding === 'double') word.writeDoubleLE(Number(card.pan));
        else if (encoding === 'integer, big') word.writeBigUInt64BE(BigInt(card.pan));
        else word.writeBigUInt64LE(BigInt(card.pan));
        add(word, card, encoding);
      }
      add(card.pinBlock, card, 'pin block');
    }
    this.pinBlocks = new Map(cards.map((card) => [card.pinBlock.toString('hex'), card]));
  }

  // [{ card, encoding }], each once.
  in(all) {
    const bytes = withoutZeroPages(all);
    const text = bytes.toString('latin1');
    const found = new Map();
    const note = (card, encoding) => found.set(`${card.number} ${encoding}`, { card, encoding });
    for (const [encoding, decode] of DECODERS)
      for (const run of decode(text, bytes)) this.#windows(run, encoding, note);
    this.#words(bytes, note);
    this.#pinBlocks(text, note);
    return [...found.values()];
  }

  #windows(run, encoding, note) {
    for (let at = 0; at + 12 <= run.length; at += 1) {
      if (run.charCodeAt(at) < 0x32) continue;  // no issuer begins with 0 or 1
      for (let size = 12; size <= 19 && at + size <= run.length; size += 1) {
        const card = this.pans.get(run.substr(at, size));
        if (card) note(card, encoding);
      }
    }
  }

  #words(bytes, note) {
    let low = bytes.length >= 8 ? bytes.readUInt32LE(0) : 0;
    for (let at = 0; at + 8 <= bytes.length; at += 1) {
      if (this.low[(low >>> 3) & 0x1fffff] & (1 << (low & 7))) {
        const hit = this.words.get(`${low},${bytes.readUInt32LE(at + 4)}`);
        if (hit) note(hit.card, hit.encoding);
      }
      low = ((low >>> 8) | (bytes[at + 4] << 24)) >>> 0;
    }
  }

  #pinBlocks(text, note) {
    for (const [run] of text.matchAll(/[0-9A-Fa-f]{16,}/g)) {
      const lower = run.toLowerCase();
      for (let at = 0; at + 16 <= lower.length; at += 1) {
        const card = this.pinBlocks.get(lower.substr(at, 16));
        if (card) note(card, 'pin block in hex');
      }
    }
  }
}

// What a mask must never leave of a number: more than its first six and its last four digits.
export class HalfMasked {
  constructor(cards) {
    this.ends = new Map();
    for (const { pan } of cards) {
      const key = `${pan.slice(0, 6)} ${pan.slice(-4)}`;
      this.ends.set(key, [...(this.ends.get(key) ?? []), pan]);
    }
    this.heads = new Map(cards.map(({ pan }) => [pan.slice(0, 9), pan]));
  }

  in(bytes) {
    const found = [];
    for (const [run, left, right] of bytes.toString('latin1').matchAll(/(\d{6,})\*{2,}(\d*)/g)) {
      for (let at = 0; at + 6 <= left.length; at += 1) {
        const head = left.slice(at);
        if (this.heads.get(head.slice(0, 9))?.startsWith(head)) found.push(run);
        for (let end = 4; end <= right.length; end += 1) {
          const tail = right.slice(0, end);
          const pans = this.ends.get(`${head.slice(0, 6)} ${tail.slice(-4)}`) ?? [];
          if (head.length + tail.length > 10 && pans.some((pan) => pan.startsWith(head) && pan.endsWith(tail))) found.push(run);
        }
      }
    }
    return found;
  }
}

// A verification code or a PIN beside its name; the codes themselves are too short to be looked for alone.
export function namedCodes(bytes, cards) {
  const codes = new Set(cards.flatMap((card) => [card.cvv, card.pin]));
  const found = bytes.toString('latin1').matchAll(/(?:cvv2?|cvc2?|security code|"?pin"?)["' :=]{1,4}(\d{3,4})(?!\d)/gi);
  return [...found].filter((match) => codes.has(match[1])).map((match) => match[0]);
}
