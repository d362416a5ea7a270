// The disk of the mixer's store is full while clients read, and the mixer is killed meanwhile.
import { chmodSync, mkdirSync } from 'node:fs';
import { pause, until } from '../e2e/waiting.mjs';
import { LoopDisk } from './loop_disk.mjs';
import { World } from './world.mjs';

// Room for what a group stores, and for a checkpoint beside it.
const DISK_BYTES = 384 << 20;
const RACKS = ['edge', 'host'];
const BETWEEN_READS_MS = 20;
// A store goes on with the room that it reserved: half a minute of this load, and more on a slow machine.
const STORE_RESERVE_MS = 120_000;

const sql = (text) => `/api/v1/sql?q=${encodeURIComponent(text)}`;

export class StoreDisk extends World {
  static title = 'store-disk';
  peer = 'host';
  rate = 60;

  static lacks() {
    return LoopDisk.lacks();
  }

  options() {
    mkdirSync(this.stack.path('mixer'), { recursive: true });
    this.disk = new LoopDisk(this.stack.path('store.img'), this.stack.path('mixer/store'), DISK_BYTES);
    for (const directory of ['mixer', 'mixer/store']) chmodSync(this.stack.path(directory), 0o700);
    return {};
  }

  release() {
    this.disk?.release();
  }

  alive() {
    const { result } = this.stack.processes.get('mixer');
    if (result) throw new Error(`a full disk ended the mixer with ${JSON.stringify(result)}: ${this.stack.log('mixer').slice(-500)}`);
    return true;
  }

  // What clients ask, each with what must be true of its answer.
  questions() {
    const racks = sql('select rack from racks order by rack');
    const strange = sql("select count(*) from transactions where rack not in ('edge', 'host') or outcome not in ('answered', 'failed', 'timed_out', 'refused', 'abandoned')");
    return {
      '/api/v1/racks': (answer) => String(answer.racks.map(({ rack }) => rack).sort()) === String(RACKS),
      '/api/v1/audit/status': (answer) => answer !== null,
      '/api/v1/audit/heads': (answer) => answer !== null,
      [`/api/v1/trace/${this.traffic.probes[0].id}`]: (answer) => Array.isArray(answer.transactions),
      [racks]: ({ rows }) => rows.flat().every((rack) => RACKS.includes(rack)),
      [strange]: ({ rows }) => Number(rows[0][0]) === 0,
    };
  }

  // Clients ask until `done` and each question has been answered. While the store is opened again they are told to wait.
  async readUntil(done) {
    let over = false;
    let failure;
    const answered = new Map();
    const ask = async ([path, good]) => {
      while (!over) {
        const answer = await this.stack.api(path).catch((error) => {
          this.alive();
          if (error.status === 503 && error.message.includes('is being opened again')) return undefined;
          throw error;
        });
        if (answer !== undefined && !good(answer)) throw new Error(`${path}: ${JSON.stringify(answer).slice(0, 400)}`);
        if (answer !== undefined) answered.set(path, (answered.get(path) ?? 0) + 1);
        await pause(BETWEEN_READS_MS);
      }
    };
    const questions = Object.entries(this.questions());
    const clients = [...questions, questions[0], questions[0]].map((question) => ask(question).catch((error) => {
      failure ??= error;
      over = true;
    }));
    try {
      await done(() => over);
      await until('every question is answered', () => over || questions.every(([path]) => answered.has(path)), 30_000);
    } finally {
      over = true;
      await Promise.all(clients);
    }
    if (failure) throw failure;
  }

  // Refused commits, and callers that do not notice.
  async refused(over) {
    await until('the store refuses commits', () => over() || this.stack.log('mixer').includes('the store refused a commit'), STORE_RESERVE_MS);
    await this.traffic.probe();
    await pause(this.chance.between(2_000, 4_000));
  }

  // Frees the disk, and reads on until what comes now is stored.
  async recovered(over) {
    this.disk.free();
    const { id } = (await this.traffic.probe(), this.traffic.probes.at(-1));
    await until('what is answered now is stored', async () => over() || (await this.stack.api(`/api/v1/trace/${id}`)).transactions.length > 0, 90_000);
  }

  static faults = {
    async 'full-store'() {
      this.disk.fill();
      try {
        await this.readUntil((over) => this.refused(over));
        await this.readUntil((over) => this.recovered(over));
      } finally {
        this.disk.free();
      }
      this.alive();
    },
    // The next start finds no room either: it serves what is there.
    async 'full-store-kill'() {
      this.disk.fill();
      try {
        await this.readUntil((over) => this.refused(over));
        await this.stack.stop('mixer', 'SIGKILL');
        await this.stack.startMixer();
        await this.readUntil((over) => this.refused(over));
        await this.readUntil((over) => this.recovered(over));
      } finally {
        this.disk.free();
      }
      this.alive();
    },
  };
}
