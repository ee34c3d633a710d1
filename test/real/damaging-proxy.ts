// An HTTP proxy before a registry that can damage what the registry answers, as proxies, storage and login pages do.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { atEnd } from './suite.ts';

/** What the registry answered, and the response that the client gets; it must be ended here. */
export type Damage = (
  answer: { readonly status: number; readonly headers: Headers; readonly body: Buffer },
  response: ServerResponse,
  request: IncomingMessage,
) => unknown;

export type DamagingProxy = {
  readonly host: string;
  /** Applies to the answers to questions for manifests; undefined: they pass as they are. */
  damage: Damage | undefined;
};

/** @param registry its host and port */
export async function startDamagingProxy(registry: string): Promise<DamagingProxy> {
  const server = createServer(async (request, response) => {
    const { method = 'GET', url = '' } = request;
    const accept = request.headers.accept ?? '*/*';
    const answer = await fetch(`http://${registry}${url}`, { method, headers: { accept } });
    const body = Buffer.from(await answer.arrayBuffer());
    const { status, headers } = answer;
    if (proxy.damage !== undefined && url.includes('/manifests/'))
      return void proxy.damage({ status, headers, body }, response, request);
    response.writeHead(status, Object.fromEntries(headers)).end(method === 'HEAD' ? undefined : body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const proxy: DamagingProxy = { host: `localhost:${(server.address() as AddressInfo).port}`, damage: undefined };
  return proxy;
}
