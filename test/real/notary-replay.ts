// What a Notary server served once, recorded and served again, whole or with faults.
import { createServer } from 'node:http';
import { atEnd } from './suite.ts';

/** What servers of `replay` serve, by their URL. */
export const served = new Map<string, Map<string, Buffer>>();

export async function replay(files: Map<string, Buffer>, status?: number): Promise<string> {
  let url = '';
  const server = createServer((request, response) => {
    const body = served.get(url)?.get(request.url as string);
    if (status !== undefined) return void response.writeHead(status).end('no');
    if (body !== undefined) return void response.writeHead(200).end(body);
    response.writeHead(404).end('{"errors":[{"code":"METADATA_NOT_FOUND","message":"no"}]}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => server.close());
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  served.set(url, files);
  return url;
}

/** All that a verifier asks for, as the real server serves it now. */
export async function record(url: string, gun: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const base = `/v2/registry.test/${gun}/_trust/tuf/`;
  const get = async (name: string) => {
    const bytes = Buffer.from(await (await fetch(`${url}${base}${name}.json`)).arrayBuffer());
    files.set(`${base}${name}.json`, bytes);
    return JSON.parse(bytes.toString()).signed.meta as Record<string, { hashes: { sha256: string } }>;
  };
  const hex = (base64 = '') => Buffer.from(base64, 'base64').toString('hex');
  await get('root');
  const { snapshot } = await get('timestamp');
  const { targets } = await get(`snapshot.${hex(snapshot?.hashes.sha256)}`);
  await get(`targets.${hex(targets?.hashes.sha256)}`);
  return files;
}
