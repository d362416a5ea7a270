// What an exporter's counters say, held against what its back ends were asked: how often each body came, and what became of it.
import assert from 'node:assert/strict';
import { until } from './suite.mjs';

const sum = (counts) => Object.values(counts).reduce((a, b) => a + b, 0);
const open = (signal) => signal.offered - signal.delivered - signal.rejected - sum(signal.dropped);

// Of a mixer's exporter. `backEndOf`: by signal, its back end as it is now; `pay`: one transaction, stored when it returns.
export class ExportAccounts {
  #quiet = '';

  constructor(stack, backEndOf, pay) {
    Object.assign(this, { stack, backEndOf, pay, signals: Object.keys(backEndOf) });
  }

  async now() {
    return (await this.stack.api('/api/v1/status')).export;
  }

  // The counters once nothing is under way, and nothing new came for a while.
  async settled() {
    let last = this.#quiet;
    let since = Date.now();
    return until('the exports are settled', async () => {
      const all = await this.now();
      const text = JSON.stringify(this.signals.map((signal) => all[signal]));
      if (text === this.#quiet) return all;
      if (text !== last) since = Date.now();
      last = text;
      if (!this.signals.every((signal) => open(all[signal]) === 0 && all[signal].queue_bytes === 0) || Date.now() - since < 450) return false;
      this.#quiet = text;
      return all;
    }, 30_000);
  }

  // One transaction against these scripts: by signal, what it changed in the counters, and the requests that it caused.
  async against(scripts) {
    const before = await this.settled();
    const seen = {};
    for (const signal of this.signals) {
      seen[signal] = this.backEndOf[signal]().of(signal).length;
      this.backEndOf[signal]().scripts[signal] = [...scripts[signal]];
    }
    await this.pay();
    const after = await this.settled();
    return Object.fromEntries(this.signals.map((signal) => {
      assert.equal(this.backEndOf[signal]().scripts[signal].length, 0, `${signal}: the whole script was played`);
      return [signal, difference(before[signal], after[signal], this.backEndOf[signal]().of(signal).slice(seen[signal]))];
    }));
  }
}

function difference(before, after, requests) {
  const change = (name) => after[name] - before[name];
  const dropped = Object.fromEntries(Object.keys(after.dropped).map((cause) => [cause, after.dropped[cause] - before.dropped[cause]]).filter(([, count]) => count));
  assert.equal(change('attempts'), requests.length, 'every request arrived, and no other');
  return { requests, dropped, attempts: change('attempts'), retries: change('retries'), delivered: change('delivered'), rejected: change('rejected'), warnings: change('warnings'), unreadable: change('unreadable_answers'), offered: change('offered') };
}

// How often the body of the first request came.
export const sends = ({ requests }) => requests.filter(({ hash }) => hash === requests[0].hash).length;

// The same bytes, so often, until they were taken.
export function takenAfter(result, times) {
  assert.equal(sends(result), times);
  assert.equal(result.retries, times - 1);
  assert.deepEqual(result.dropped, {});
  assert.equal(result.delivered, result.offered);
}

// Sent once, and dropped for this cause.
export function droppedFor(result, cause, what) {
  assert.equal(sends(result), 1, what);
  assert.equal(result.retries, 0, what);
  assert.deepEqual(Object.keys(result.dropped), [cause], what);
  assert.equal(result.delivered + result.dropped[cause], result.offered, what);
}
