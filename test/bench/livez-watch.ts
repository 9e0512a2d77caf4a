import { Agent, get } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

/** Asks `/livez` again and again, 5 ms apart, in a thread of its own. Posts the longest wait, ms, whenever it is asked. */
const agent = new Agent({ keepAlive: true });
let longestMs = 0;
let askedAt: number | null = null;

function ask(): void {
  askedAt = performance.now();
  const again = (): void => {
    longestMs = Math.max(longestMs, performance.now() - (askedAt ?? 0));
    askedAt = null;
    setTimeout(ask, 5);
  };
  get(`${workerData}/livez`, { agent }, (response) => response.resume().on('end', again)).on('error', again);
}
ask();

parentPort?.on('message', () => {
  // One that has no answer yet has waited for so long already.
  if (askedAt !== null) longestMs = Math.max(longestMs, performance.now() - askedAt);
  parentPort?.postMessage(longestMs);
  longestMs = 0;
});
