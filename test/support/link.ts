import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/**
 * A link to a server that can go down as a network does: nothing is closed, nothing arrives, in either direction, and a new
 * connection is not heard of. What was sent meanwhile is lost, so those connections stay dead when the link is back.
 */
export async function createLink(target: string) {
  const { hostname, port } = new URL(target);
  let isDown = false;
  const sockets = new Set<Socket>();
  const pass = (from: Socket, to: Socket) => {
    let lost = false;
    from.on('data', (chunk) => {
      lost ||= isDown;
      if (!lost) to.write(chunk);
    });
    from.on('error', () => {});
    from.on('close', () => {
      sockets.delete(from);
      if (!isDown) to.destroy();
    });
    sockets.add(from);
  };
  const server = createServer((near) => {
    if (isDown) {
      sockets.add(near.on('error', () => {}));
      return;
    }
    const far = connect(Number(port), hostname);
    pass(near, far);
    pass(far, near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The link has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    goDown(): void {
      isDown = true;
    },
    comeBack(): void {
      isDown = false;
    },
  };
}
