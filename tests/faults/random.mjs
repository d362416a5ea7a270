// Repeatable choices: one generator from a seed, and seeds for groups derived from it. The first group has the seed
// itself, so that a failing group is repeated by its own seed.
export function seedOf(seed, group) {
  let mixed = (seed ^ Math.imul(group, 0x9e3779b1)) >>> 0;
  if (group === 0) return mixed;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

// mulberry32
export class Chance {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  // A whole number from `low` up to `high`, both possible.
  between(low, high) {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick(list) {
    return list[this.between(0, list.length - 1)];
  }

  // Each of `list` once, then again, in an order of its own each time: `count` in all.
  deal(list, count) {
    const dealt = [];
    while (dealt.length < count) {
      const rest = [...list];
      while (rest.length && dealt.length < count) dealt.push(...rest.splice(this.between(0, rest.length - 1), 1));
    }
    return dealt;
  }
}
