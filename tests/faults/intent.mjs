// With `intent: commit`, SIGKILL of the rack at random times: what the host was asked, by its own ledger, is what has an outcome
// and what `fluxrig audit doubt` names, exactly.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fluxrig, freePort } from '../e2e/stack.mjs';
import { pause } from '../e2e/waiting.mjs';
import { Traffic } from './traffic.mjs';
import { World } from './world.mjs';

const BANK = fileURLToPath(new URL('bank.mjs', import.meta.url));

export class Intent extends World {
  static title = 'intent';
  racks = ['edge'];

  async open() {
    const { stack } = this;
    await stack.prepare();
    this.bankPort = await freePort();
    stack.writeScenarios({ edge: { bank: this.bankPort, context: 'none', audit: ', intent: commit' } });
    stack.spawn('bank', process.execPath, [BANK, String(this.bankPort), stack.path('bank.ledger'), String(this.seed)]);
    await stack.waitLog('bank', 'bank ready');
    await stack.startMixer();
    await stack.startRack('edge');
    this.traffic = new Traffic(stack, `http://127.0.0.1:${stack.ports.shop}/authorize`);
    this.traffic.start(this.seed);
    await this.traffic.probe();
  }

  static faults = {
    async 'kill-edge-with-intent'() {
      await this.stack.stop('edge', 'SIGKILL');
      await this.restart('edge');
    },
    // Twice, the second time while it starts or has just started.
    async 'kill-edge-with-intent-twice'() {
      await this.stack.stop('edge', 'SIGKILL');
      this.stack.spawn('edge', ...this.edgeCommand());
      await pause(this.chance.between(0, 400));
      await this.stack.stop('edge', 'SIGKILL');
      await this.restart('edge');
    },
  };

  edgeCommand() {
    return [fluxrig, ['rack', this.stack.scenarios.get('edge')]];
  }

  // Terminals of what the mixer shows as in doubt. Nothing runs any more: nothing may be in flight.
  async doubt() {
    const { doubt, truncated } = await this.stack.api('/api/v1/doubt?all=true&limit=10000');
    if (truncated) throw new Error('more are in doubt than one answer holds');
    const other = doubt.find(({ state }) => state !== 'in_doubt');
    if (other) throw new Error(`nothing runs, and one is ${other.state}: ${other.flux_id}`);
    const named = this.stack.run(['audit', 'doubt', '--json']);
    const listed = JSON.parse(named.out).doubt.length;
    if (named.code !== (doubt.length ? 3 : 0)) throw new Error(`fluxrig audit doubt exits ${named.code} with ${doubt.length} in doubt: ${named.err}`);
    if (listed !== doubt.length) throw new Error(`fluxrig audit doubt lists ${listed} of ${doubt.length}`);
    return doubt.map(({ attributes, flux_id: id }) => attributes?.['iso8583.41'] ?? `no terminal: ${id}`);
  }

  // After the last comparison: everything that was begun has ended or is in doubt.
  async verify() {
    const outcomes = await this.stack.rows("select flux_id, outcome, attributes['iso8583.41'] as terminal from transactions where rack = 'edge' and attributes['iso8583.41'] is not null");
    await super.verify();
    const asked = new Set(readFileSync(this.stack.path('bank.ledger'), 'utf8').split('\n').filter(Boolean));
    const doubt = await this.doubt();
    const doubted = new Set(doubt);
    const ended = new Set(outcomes.map(({ terminal }) => terminal));
    const both = doubt.filter((terminal) => ended.has(terminal));
    const neither = [...asked].filter((terminal) => !ended.has(terminal) && !doubted.has(terminal));
    const answeredUnasked = outcomes.filter(({ outcome, terminal }) => outcome === 'answered' && !asked.has(terminal));
    const unasked = doubt.filter((terminal) => !asked.has(terminal));
    const askedEnded = outcomes.filter(({ terminal }) => asked.has(terminal)).length;
    this.summary = `; the host was asked ${asked.size} times: ${askedEnded} with an outcome, ${doubt.length - unasked.length} in doubt; ` +
      `${unasked.length} in doubt that did not reach it (killed between disk and wire)`;
    const wrong = [];
    if (both.length) wrong.push(`${both.length} have an outcome and are in doubt, such as ${both[0]}`);
    if (neither.length) wrong.push(`${neither.length} were asked and have neither outcome nor doubt, such as ${neither[0]}`);
    if (answeredUnasked.length) wrong.push(`${answeredUnasked.length} are answered and were never asked, such as ${answeredUnasked[0].terminal}`);
    if (asked.size !== askedEnded + doubt.length - unasked.length) wrong.push('the sums differ');
    if (wrong.length) throw new Error(wrong.join('; ') + this.summary);
  }
}
