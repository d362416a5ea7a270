// Claims of a scenario, one after another: each prints a line with its figures, the last line counts them.
import { say } from '../faults/table.mjs';

export class Claims {
  passed = 0;
  failed = 0;

  // `check` gives the figures that speak for it, or throws. Gives whether it holds.
  async hold(name, check) {
    const began = Date.now();
    try {
      const figures = await check();
      this.passed += 1;
      say(`ok      ${name}${figures ? `: ${figures}` : ''} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
      return true;
    } catch (error) {
      this.failed += 1;
      say(`not ok  ${name}: ${String(error?.message ?? error).split('\n').slice(0, 8).join('\n          ')}`);
      return false;
    }
  }

  // With words of what is missing there is nothing to play: one failed claim, and the end of the process.
  async needs(lacks) {
    if (!lacks) return;
    await this.hold('everything is here that the scenario needs', () => must(false, lacks));
    this.finish();
  }

  // Ends the process.
  finish() {
    console.log(`${this.passed} passed, ${this.failed} failed`);
    process.exit(this.failed || !this.passed ? 1 : 0);
  }
}

export function must(true_, sentence) {
  if (!true_) throw new Error(sentence);
}
