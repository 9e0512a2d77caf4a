import { fieldsOf } from '../ui/api.ts';
import type { Elk } from './layout.ts';

/** ELK in a worker of its own, which is its file as it comes: it is no module, and needs no eval. */
export function elkWorker(): Elk {
  const worker = new Worker('assets/npm/elkjs/lib/elk-worker.min.js');
  const waiting = new Map<number, { resolve(data: unknown): void; reject(error: Error): void }>();
  const failed = new Error('The chart could not be laid out');
  let lastId = 0;
  worker.onmessage = ({ data }: MessageEvent<unknown>) => {
    const { id, error, data: laidOut } = fieldsOf(data);
    const asked = waiting.get(Number(id));
    waiting.delete(Number(id));
    if (error === undefined) asked?.resolve(laidOut);
    else asked?.reject(failed);
  };
  worker.onerror = () => {
    for (const { reject } of waiting.values()) reject(failed);
    waiting.clear();
  };
  worker.postMessage({ id: 0, cmd: 'register', algorithms: ['layered'] });
  return (graph) =>
    new Promise((resolve, reject) => {
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      worker.postMessage({ id: lastId, cmd: 'layout', graph, layoutOptions: {}, options: {} });
    });
}
