// All waiting of the tests: for an event, with a deadline; and the length of a fault, which is time and nothing else.
import assert from 'node:assert/strict';

const LOOK_EVERY_MS = 50;

// How long something is to last: a fault, a pause between two of them. Never a wait for something to happen.
export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Asks until the answer is true, with a deadline; gives the answer. An exception counts as "not yet".
export async function until(what, ask, milliseconds = 15_000, every = LOOK_EVERY_MS) {
  const deadline = Date.now() + milliseconds;
  let last = '';
  for (;;) {
    try {
      const answer = await ask();
      if (answer) return answer;
    } catch (error) {
      last = `; last: ${error.message}`;
    }
    assert.ok(Date.now() < deadline, `within ${milliseconds} ms: ${what}${last}`);
    await pause(every);
  }
}

// Asks for a number until it is 0, as long as it still shrinks: `patience` is for each step down, `longest` for all of them.
// True: it is 0; false: it has stopped above. An exception, and undefined, count as no step.
export async function untilDrained(ask, { patience, longest, every = LOOK_EVERY_MS }) {
  const end = Date.now() + longest;
  let least = Infinity;
  for (let moved = Date.now(); Date.now() < Math.min(moved + patience, end);) {
    const left = await Promise.resolve().then(ask).catch(() => undefined);
    if (left === 0) return true;
    if (left < least) {
      least = left;
      moved = Date.now();
    }
    await pause(every);
  }
  return false;
}
