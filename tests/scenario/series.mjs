// From what was recorded to curves: [seconds since the start, value].

// A counter's growth a second, between neighbouring points; a counter that starts anew makes no point.
export function rates(points) {
  const out = [];
  for (let i = 1; i < points.length; i += 1) {
    const [before, low] = points[i - 1];
    const [at, high] = points[i];
    if (at > before && high >= low) out.push([at, (high - low) / (at - before)]);
  }
  return out;
}

// Sums of [seconds, amount] in steps of `width` seconds, a second.
export function binned(events, seconds, width = 1) {
  const sums = new Array(Math.ceil(seconds / width)).fill(0);
  for (const [at, amount] of events) {
    const bin = Math.floor(at / width);
    if (bin >= 0 && bin < sums.length) sums[bin] += amount;
  }
  return sums.map((sum, bin) => [(bin + 0.5) * width, sum / width]);
}

// The value of which a part `q` of all is not above.
export function quantile(sorted, q) {
  if (sorted.length === 0) return undefined;
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))];
}

// Quantiles of [seconds, value] in steps of `width` seconds; empty steps make no point.
export function quantilesOf(events, q, width = 1) {
  const bins = new Map();
  for (const [at, value] of events) {
    const bin = Math.floor(at / width);
    (bins.get(bin) ?? bins.set(bin, []).get(bin)).push(value);
  }
  return [...bins].sort(([a], [b]) => a - b).map(([bin, values]) => [(bin + 0.5) * width, quantile(values.sort((a, b) => a - b), q)]);
}

// The transitions a rack's log has: [{ time (ms since 1970), from, to, cause }].
export function transitionsOf(log) {
  const line = /^(\S+)\s+\w+\s+pressure: (\w+) -> (\w+) after [\d.]+ s: (.*?) \(/;
  return log.split('\n').map((text) => line.exec(text)).filter(Boolean)
    .map(([, time, from, to, cause]) => ({ time: Date.parse(time), from, to, cause }));
}

// Stretches of one word each: changes are [{ at, word }], in order; the last one lasts until the end.
export function spans(changes, seconds) {
  return changes.map(({ at, word, ...more }, i) => ({ from: Math.max(0, at), to: Math.max(0, changes[i + 1]?.at ?? seconds), word, ...more }))
    .filter(({ from, to }) => to > from);
}

// Stretches out of samples [{ at, word }], of which each holds until the next one.
export function spansOfSamples(samples, seconds) {
  return spans(samples.filter(({ word }, i) => i === 0 || samples[i - 1].word !== word), seconds);
}

// What a load's ledger has: [{ time (ms), status, latency (ms) }].
export function repliesOf(text) {
  return text.split('\n').filter(Boolean).map((line) => line.split('\t'))
    .map(([, status, , micros, latency]) => ({ time: Number(micros) / 1e3, status: Number(status), latency: Number(latency) / 1e3 }));
}
