// The host of another company, behind a rack's tcp_client: it answers as the ways in of ingress.mjs tell it to.
import net from 'node:net';
import { framed, message, read } from './iso8583.mjs';

const kMostAnswers = 1000;

export class FarBank {
  answers = [];  // each makes the bytes for one request: (elements) => Buffer

  static async start(port) {
    const self = new FarBank();
    self.server = net.createServer((socket) => self.#serve(socket));
    await new Promise((resolve, reject) => self.server.once('error', reject).listen(port, '127.0.0.1', resolve));
    return self;
  }

  stop() {
    return new Promise((resolve) => {
      this.server.close(resolve);
      for (const socket of this.sockets) socket.destroy();
    });
  }

  sockets = new Set();

  #serve(socket) {
    this.sockets.add(socket);
    let waiting = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('data', (part) => {
      waiting = Buffer.concat([waiting, part]);
      while (waiting.length >= 2 && waiting.length >= 2 + waiting.readUInt16BE(0)) {
        const size = 2 + waiting.readUInt16BE(0);
        socket.write(this.#answer(read(waiting.subarray(2, size)).elements));
        waiting = waiting.subarray(size);
      }
    });
  }

  #answer(elements) {
    // Those of callers that were refused before they came here would pile up.
    if (this.answers.length > kMostAnswers) this.answers.splice(0, kMostAnswers / 2);
    const make = this.answers.shift();
    return make ? make(elements) : framed(message('0210', { 7: elements[7], 11: elements[11], 37: elements[37], 41: elements[41], 39: '00' }));
  }
}
