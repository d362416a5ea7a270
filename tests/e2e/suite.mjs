// The e2e convention in a few lines: claims run in order, each prints a line, the last line counts them.
export { until } from './waiting.mjs';

const PATIENCE_MS = 150_000;

// Runs claims [name, action] one after another, then `finish`. A suite that hangs fails and still cleans up.
export async function runSuite(claims, finish) {
  let passed = 0;
  let failed = 0;
  const deadline = Date.now() + PATIENCE_MS;
  const fail = (name, error) => {
    failed += 1;
    console.log(`not ok  ${name}\n    ${String(error?.stack ?? error).split('\n').slice(0, 12).join('\n    ')}`);
  };
  for (const [name, action] of claims) {
    const start = Date.now();
    try {
      await within(deadline - Date.now(), name, action());
      passed += 1;
      console.log(`ok      ${name} (${Date.now() - start} ms)`);
    } catch (error) {
      fail(name, error);
    }
  }
  try {
    await finish();
  } catch (error) {
    fail('everything stops', error);
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}

async function within(milliseconds, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: the suite's ${PATIENCE_MS / 1000} s are over`)), Math.max(1, milliseconds));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
