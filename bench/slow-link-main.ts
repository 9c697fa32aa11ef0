import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/*
 * `slow-link-main.ts PORT`: a link to a port on loopback, 25 ms long each way and 20 MB/s wide each way, all connections together.
 * Takes connections at a port that it prints, and ends with its standard input. The kernel's own delay (netem) is not in every
 * kernel. As on a real link a connection's first byte waits for the handshake, and no more bytes are on their way than
 * TCP's window allows, which begins at ten segments and grows by what is acknowledged (RFC 6928, RFC 5681); nothing is lost.
 */

const DELAY = 25;
const RATE = 20_000; // bytes in a millisecond
const SEGMENT = 1460;
const [FIRST_WINDOW, LARGEST_WINDOW] = [10 * SEGMENT, 4 << 20];
const WAITING = 1 << 20;

/** One direction of the link. */
class Line {
  #free = 0;

  /** When the last of so many bytes arrives. */
  send(bytes: number): number {
    this.#free = Math.max(performance.now(), this.#free) + bytes / RATE;
    return this.#free + DELAY;
  }
}

/** Actions that happen at times that never go back, in order. */
class Schedule {
  readonly #due: { readonly time: number; readonly action: () => void }[] = [];
  #waiting = false;

  add(time: number, action: () => void): void {
    this.#due.push({ time, action });
    if (!this.#waiting) this.#wait();
  }

  #wait(): void {
    this.#waiting = this.#due.length > 0;
    if (this.#waiting) setTimeout(() => this.#act(), Math.max(1, this.#due[0]!.time - performance.now()));
  }

  #act(): void {
    while (this.#due.length > 0 && this.#due[0]!.time <= performance.now()) this.#due.shift()!.action();
    this.#wait();
  }
}

/** One direction of a connection. */
function carry(from: Socket, to: Socket, line: Line): void {
  const [arrivals, acknowledgements] = [new Schedule(), new Schedule()];
  const waiting: Buffer[] = [];
  let [waitingBytes, flying, window] = [0, 0, FIRST_WINDOW];
  const depart = () => {
    while (waiting.length > 0 && flying < window) {
      const piece = waiting[0]!.subarray(0, 10 * SEGMENT);
      if (piece.length === waiting[0]!.length) waiting.shift();
      else waiting[0] = waiting[0]!.subarray(piece.length);
      waitingBytes -= piece.length;
      flying += piece.length;
      const arrival = line.send(piece.length);
      arrivals.add(arrival, () => to.write(piece));
      acknowledgements.add(arrival + DELAY, () => {
        flying -= piece.length;
        window = Math.min(window + piece.length, LARGEST_WINDOW);
        depart();
      });
    }
    if (waitingBytes < WAITING) from.resume();
    if (from.readableEnded && waiting.length === 0) arrivals.add(line.send(0), () => to.end());
  };
  from.on("data", (chunk: Buffer) => {
    waiting.push(chunk);
    waitingBytes += chunk.length;
    if (waitingBytes >= WAITING) from.pause();
    depart();
  });
  from.on("end", depart);
  for (const [socket, other] of [[from, to], [to, from]] as const) socket.on("error", () => other.destroy());
}

const [there, back] = [new Line(), new Line()];
const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (near) => {
  const far = connect({ port: Number(process.argv[2]), host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  setTimeout(() => carry(near, far, there), 2 * DELAY); // the handshake
  setTimeout(() => near.resume(), 2 * DELAY);
  carry(far, near, back);
});
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
process.stdin.resume().once("end", () => process.exit());
