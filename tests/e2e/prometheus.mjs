// Debian's Prometheus as the reader of /metrics, of the mixer and of a rack.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { freePort, request } from './stack.mjs';
import { until } from './suite.mjs';

// A real Prometheus, when one is installed: it takes every sample, and answers a query of ours. Without one nothing is claimed.
// `monitor`: the port of the rack edge.
export async function scraped(stack, monitor, token) {
  if (spawnSync('prometheus', ['--version']).error) return process.stderr.write('  (no prometheus here: not scraped)\n');
  const port = await freePort();
  writeFileSync(stack.path('token'), token);
  writeFileSync(stack.path('prometheus.yaml'), `scrape_configs:\n  - job_name: fluxrig\n    scrape_interval: 1s\n    authorization: { credentials_file: ${stack.path('token')} }\n    static_configs: [ { targets: [ "127.0.0.1:${stack.ports.api}" ] } ]\n` +
    `  - job_name: edge\n    scrape_interval: 1s\n    static_configs: [ { targets: [ "127.0.0.1:${monitor}" ] } ]\n`);
  stack.spawn('prometheus', 'prometheus', [`--config.file=${stack.path('prometheus.yaml')}`, `--storage.tsdb.path=${stack.path('prometheus')}`, `--web.listen-address=127.0.0.1:${port}`, '--enable-feature=exemplar-storage']);
  const ask = async (path) => JSON.parse((await request(`http://127.0.0.1:${port}/api/v1/${path}`, { method: 'GET' })).text).data;
  const asked = (path, enough) => until(path, async () => { try { const data = await ask(path); return enough(data) && data; } catch { return undefined; } }, 30_000);
  const { result } = await asked(`query?query=${encodeURIComponent('sum by (rack) (http_server_request_duration_seconds_count)')}`, (data) => data.result.length > 0);
  assert.deepEqual(result[0].metric, { rack: 'edge' });
  assert.ok(Number(result[0].value[1]) > 0);
  await asked(`query?query=${encodeURIComponent('http_server_request_duration_seconds_count{job="edge",rack="edge"} > 0')}`, (data) => data.result.length > 0);
  const { activeTargets } = await ask('targets');
  assert.deepEqual(activeTargets.map(({ lastError }) => lastError), ['', ''], 'mixer and rack');
  await stack.stop('prometheus');
}
