// A TCP relay on the rack's way to its bus that delays what passes, holds it, or ends it. In this process.
import net from 'node:net';

export class Proxy {
  delay = 0;  // milliseconds each way
  jitter = 0;
  sockets = new Set();

  constructor(chance, target) {
    Object.assign(this, { chance, target });
  }

  listen(host) {
    this.server = net.createServer((socket) => this.join(socket));
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(0, host, () => resolve(this.server.address().port));
    });
  }

  join(near) {
    const far = net.connect(this.target, '127.0.0.1');
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
      socket.on('error', () => {});
    }
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroy());
    this.relay(near, far);
    this.relay(far, near);
    if (this.stalled) this.stall();
  }

  // Keeps the order, whatever the timers do: what is due first is written first, by whichever timer comes first.
  relay(from, to) {
    const waiting = [];
    const pass = () => {
      while (waiting.length && waiting[0].due <= Date.now()) {
        const { bytes } = waiting.shift();
        if (!to.destroyed) to.write(bytes);
      }
      if (waiting.length) setTimeout(pass, Math.max(1, waiting[0].due - Date.now()));
    };
    from.on('data', (bytes) => {
      const due = Math.max(waiting.at(-1)?.due ?? 0, Date.now() + (this.delay ? this.delay + this.chance.between(0, this.jitter) : 0));
      waiting.push({ bytes, due });
      if (waiting.length === 1) pass();
    });
  }

  stall() {
    this.stalled = true;
    for (const socket of this.sockets) socket.pause();
  }

  resume() {
    this.stalled = false;
    for (const socket of this.sockets) socket.resume();
  }

  // Both ends see a reset.
  reset() {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  close() {
    for (const socket of this.sockets) socket.destroy();
    this.server?.close();
  }
}
