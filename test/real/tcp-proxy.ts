// A TCP proxy between two programs, whose connections a test can cut and restore. It passes bytes
// unchanged.
import { connect, createServer, type Socket } from 'node:net';
import { atEnd } from './suite.ts';

export type TcpProxy = {
  readonly port: number;
  /** Ends the open connections, and refuses new ones. */
  readonly cut: () => void;
  readonly restore: () => void;
};

/** @param to a port on loopback */
export async function startTcpProxy(to: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let isOpen = true;
  const server = createServer((from) => {
    if (!isOpen) return void from.destroy();
    const other = connect(to, '127.0.0.1');
    for (const [socket, peer] of [
      [from, other],
      [other, from],
    ] as const) {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket);
          peer.destroy();
        });
      socket.pipe(peer);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    isOpen = false;
    for (const socket of sockets) socket.destroy();
  };
  const restore = () => {
    isOpen = true;
  };
  atEnd(() => {
    cut();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, cut, restore };
}
