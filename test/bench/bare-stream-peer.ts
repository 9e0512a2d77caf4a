import { createServer, type Socket } from 'node:net';
import { Pool } from 'undici';

/**
 * The floor of what a stream can be on this machine: what is polled goes to every socket as it came, with nothing read,
 * kept, filtered or named in between. What is slower than this is Switchboard's; this is the sockets'.
 */
const sockets = new Set<Socket>();
const server = createServer({ noDelay: true }, (socket) => {
  socket.once('data', () => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n');
    sockets.add(socket);
  });
  socket.on('error', () => {});
  socket.on('close', () => sockets.delete(socket));
});

/** As many bytes as a stream's event has. */
const frameOf = (update: string): string =>
  `id: 0123456789ab.1000\nevent: update.received\ndata: {"seq":1000,"type":"update.received","bot":"1","chat":"1000000000","at":"2026-01-01T00:00:00.000Z","update":${update}}\n\n`;

async function poll(pool: Pool): Promise<never> {
  for (let offset = 0; ; ) {
    const body = JSON.stringify({ offset, limit: 100, timeout: 30 });
    const answer = await pool.request({ method: 'POST', path: '/bot1:load/getUpdates', body });
    const text = await answer.body.text();
    const starts = [...text.matchAll(/\{"update_id":(\d+)/g)];
    const frames = starts.map(({ index }, n) => frameOf(text.slice(index, starts[n + 1]?.index)));
    const bytes = Buffer.from(frames.join(''));
    if (bytes.length > 0) for (const socket of sockets) socket.write(bytes);
    offset = Number(starts.at(-1)?.[1] ?? offset - 1) + 1;
  }
}

process.on('disconnect', () => process.exit());
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  process.send?.({ url: `http://127.0.0.1:${port}` });
});
void poll(new Pool(process.argv[2] ?? '', { connections: 1 }));
