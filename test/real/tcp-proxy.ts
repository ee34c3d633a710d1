// A line between two programs that can be cut and mended: bytes pass as they are.
import { connect, createServer, type Socket } from 'node:net';
import { atEnd } from './suite.ts';

export type Line = {
  readonly port: number;
  /** Ends what is open, and lets nobody through. */
  readonly cut: () => void;
  readonly remedy: () => void;
};

/** @param to a port on loopback */
export async function startLine(to: number): Promise<Line> {
  const open = new Set<Socket>();
  let whole = true;
  const server = createServer((from) => {
    if (!whole) return void from.destroy();
    const other = connect(to, '127.0.0.1');
    for (const [socket, peer] of [
      [from, other],
      [other, from],
    ] as const) {
      open.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          open.delete(socket);
          peer.destroy();
        });
      socket.pipe(peer);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    whole = false;
    for (const socket of open) socket.destroy();
  };
  const remedy = () => {
    whole = true;
  };
  atEnd(() => {
    cut();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, cut, remedy };
}
