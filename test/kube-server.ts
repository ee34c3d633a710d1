// An HTTP server in the place of an API server: answers each request with the next scripted step.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeClient } from '../src/kube/client.ts';

export type Step = (response: ServerResponse, url: URL, request: IncomingMessage) => void;

export type ScriptedServer = {
  readonly client: KubeClient;
  /** Address of each request, in order. */
  readonly urls: URL[];
  readonly requests: { method: string; headers: IncomingMessage['headers']; body: string }[];
  readonly close: () => Promise<void>;
};

/** A request after the last step is never answered. */
export async function scriptedServer(steps: Step[]): Promise<ScriptedServer> {
  const urls: URL[] = [];
  const requests: ScriptedServer['requests'] = [];
  const http = createServer(async (incoming, response) => {
    const url = new URL(incoming.url as string, 'http://x');
    const step = steps.shift();
    urls.push(url);
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    requests.push({ method: String(incoming.method), headers: incoming.headers, body });
    step?.(response, url, incoming);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  const client = new KubeClient({
    server: `http://127.0.0.1:${port}`,
    headers: async () => ({ authorization: 'Bearer t' }),
    tls: {},
    namespace: 'd',
    name: 'fake',
  });
  const close = async () => {
    await client.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  };
  return { client, urls, requests, close };
}

/** A JSON answer. */
export const json =
  (value: object, status = 200): Step =>
  (response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));

/** A Status object, as API servers answer errors. */
export const statusError = (code: number): Step => json({ kind: 'Status', code, message: `status ${code}` }, code);
