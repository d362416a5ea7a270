// Whether a slice of ./dev bench lanes was what its mode says: a ratio without telemetry on the wire would be worth nothing.

const ASKED_AT_LEAST = 0.97;     // of the questions that were due, answered with 200
// Of the wire's rate, in a mode of full load, towards the mixer: what is in use, and the telemetry in it. The tunnel's window leaves the
// rest free for P0: that is the matter of this benchmark.
const WIRE_FULL = 0.6;
const TELEMETRY_PART = 0.35;
const BASE_PART = 0.15;          // of the telemetry at full load, at most, in the base

export const telemetryOf = ({ sent }) => Object.values(sent).reduce((sum, bytes) => sum + bytes, 0);
export const secondsOf = ({ from, to }) => (to - from) / 1e3;
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

// What is wrong with each slice: sentences, none when all is as it should be.
export function doubts(world) {
  const [base, live, dead, replay] = world.modes;
  const full = mean(world.slices.filter(({ mode }) => mode === live).map((slice) => telemetryOf(slice) / secondsOf(slice)));
  const wrong = [];
  for (const [index, slice] of world.slices.entries()) {
    const must = (holds, sentence) => holds || wrong.push(`slice ${index + 1}, ${slice.mode}: ${sentence}`);
    const seconds = secondsOf(slice);
    const telemetry = telemetryOf(slice) / seconds;
    const due = world.asked * seconds;
    must(slice.answers.length >= ASKED_AT_LEAST * due, `${slice.answers.length} answers to ${due.toFixed(0)} questions`);
    must(slice.refused === 0, `${slice.refused} questions were refused`);
    if (slice.mode === base) must(telemetry <= BASE_PART * full, `${kilo(telemetry)} of telemetry, at full load it is ${kilo(full)}`);
    if (slice.mode === live) {
      must(!slice.states.divert && !slice.states.replay, `states ${words(slice.states)}`);
      loaded(slice, world, must);
    }
    if (slice.mode === dead) {
      must(slice.states.divert === 1, `states ${words(slice.states)}`);
      must(telemetry === 0, `${kilo(telemetry)} of telemetry left the rack`);
      must(steps(slice.backlog).every((step) => step >= 0) && slice.backlog.at(-1) > slice.backlog[0], `backlog ${range(slice.backlog)}`);
    }
    if (slice.mode === replay) {
      must(slice.states.replay === 1, `states ${words(slice.states)}`);
      // The rack's gauge falls by whole segments of P2: that some of it left all the time is said by what was sent.
      must(steps(slice.backlog).every((step) => step <= 0) && slice.backlog.at(-1) > 0, `backlog ${range(slice.backlog)}`);
      must(slice.replayed.every((bytes) => bytes > 0), `of the backlog ${slice.replayed.map((bytes) => bytes.toFixed(0)).join(', ')} bytes left in its quarters`);
      loaded(slice, world, must);
    }
  }
  return wrong;
}

// Telemetry filled the wire, or with a wire that nothing fills, was there.
function loaded(slice, world, must) {
  const wire = world.settings.wire.bitsPerSecond / 8;
  const [used, telemetry] = [slice.up / secondsOf(slice), telemetryOf(slice) / secondsOf(slice)];
  must(used >= WIRE_FULL * wire, `the wire carried ${kilo(used)} of ${kilo(wire)}`);
  must(telemetry > TELEMETRY_PART * wire, `${kilo(telemetry)} of telemetry on a wire of ${kilo(wire)}`);
}

const kilo = (bytes) => `${(bytes / 1e3).toFixed(1)} kB/s`;
const steps = (values) => values.slice(1).map((value, i) => value - values[i]);
const range = (values) => `went from ${values[0]} to ${values.at(-1)} bytes, in steps of ${Math.min(...steps(values))} to ${Math.max(...steps(values))}`;
const words = (states) => Object.entries(states).map(([state, share]) => `${state} ${(100 * share).toFixed(0)} %`).join(', ');
