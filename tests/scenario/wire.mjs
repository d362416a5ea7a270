// A network namespace of its own for one rack, and the wire to it: shaper.cpp, with rate, delay, queue and cuts.
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { until } from '../e2e/suite.mjs';

const SOURCE = fileURLToPath(new URL('shaper.cpp', import.meta.url));

const ip = (...args) => {
  const done = spawnSync('ip', args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`ip ${args.join(' ')}: ${done.stderr}`);
};

export function buildShaper(file) {
  const done = spawnSync('c++', ['-std=c++20', '-O2', '-Wall', '-Wextra', '-Werror', '-o', file, SOURCE], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`c++ ${SOURCE}: ${done.stderr ?? done.error}`);
  return file;
}

export class Wire {
  // Words of a missing right or program, with what to do; undefined when all is there.
  static lacks() {
    if (process.getuid() !== 0) return 'network namespaces, tun devices and mounts need root; run it as root';
    if (spawnSync('ip', ['-V']).status !== 0) return 'there is no `ip`; install iproute2';
    if (spawnSync('c++', ['--version']).status !== 0) return 'there is no C++ compiler `c++`; install build-essential';
    return undefined;
  }

  // `net`: 1 to 250, so that several wires of one run, and of several runs, do not meet. The names carry this process's id, so that
  // tests/faults/leftovers.mjs finds what a killed run left.
  constructor(shaper, net) {
    this.namespace = `fluxrig-faults-${process.pid}-${net}`;
    this.here = `10.214.${net}.1`;
    this.there = `10.214.${net}.2`;
    this.inside = ['ip', 'netns', 'exec', this.namespace];
    this.devices = [`fx${process.pid}h${net}`, `fx${process.pid}t${net}`].map((name) => name.slice(-15));
    this.shaper = shaper;
  }

  async open() {
    const [near, far] = this.devices;
    ip('netns', 'add', this.namespace);
    this.child = spawn(this.shaper, [this.namespace, near, far], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.said = '';
    this.child.stdin.on('error', () => {});
    this.child.stdout.on('data', (text) => (this.said += text));
    this.child.once('exit', (code) => (this.ended = code ?? -1));
    await until('the shaper is ready', () => {
      if (this.ended !== undefined) throw new Error(`it ended with ${this.ended}`);
      return this.said.startsWith('ready');
    });
    ip('addr', 'add', `${this.here}/30`, 'dev', near);
    ip('link', 'set', near, 'up');
    ip('-n', this.namespace, 'addr', 'add', `${this.there}/30`, 'dev', far);
    ip('-n', this.namespace, 'link', 'set', far, 'up');
    ip('-n', this.namespace, 'link', 'set', 'lo', 'up');
    this.useCubic(near, far);
  }

  // What Linux comes with, whatever this machine was told: BBR stops nearly all sending for a fifth of a second each ten, P0's too.
  useCubic(near, far) {
    ip('route', 'replace', `${this.there}/32`, 'dev', near, 'src', this.here, 'congctl', 'cubic');
    ip('-n', this.namespace, 'route', 'replace', `${this.here}/32`, 'dev', far, 'src', this.there, 'congctl', 'cubic');
  }

  // Orders of shaper.cpp; done when it says so.
  async order(...orders) {
    for (const order of orders) {
      const from = this.said.length;
      this.child.stdin.write(`${order}\n`);
      await until(`the shaper takes '${order}'`, () => this.said.slice(from).includes(order), 5_000);
    }
  }

  // Bytes and lost packets of each way since the start, as the wire saw them.
  async stats() {
    const from = this.said.length;
    this.child.stdin.write('stats\n');
    const line = await until('the shaper counts', () => /^down .*\n/m.exec(this.said.slice(from))?.[0], 5_000);
    const [down, downDropped, up, upDropped] = line.match(/\d+/g).map(Number);
    return { down, up, dropped: downDropped + upDropped };
  }

  // The devices go with the shaper.
  release() {
    this.child?.kill('SIGKILL');
    spawnSync('ip', ['netns', 'del', this.namespace]);
  }
}
