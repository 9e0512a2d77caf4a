import type { Readable } from 'node:stream';

/** A body; null as soon as it is larger than the bound: what is still to come is dropped. Rejects if the caller leaves. */
export function readAll(body: Readable, bytesMax: number): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= bytesMax) {
        chunks.push(chunk);
        return;
      }
      body.off('data', take).resume();
      chunks.length = 0;
      resolve(null);
    };
    body.on('data', take);
    body.on('end', () => resolve(Buffer.concat(chunks)));
    body.on('error', reject);
  });
}
