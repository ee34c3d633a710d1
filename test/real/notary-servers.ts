// Two Notary servers on loopback: one plain with RSA online keys, one with TLS and a signer of its own, as in production.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command, freePort, start } from './suite.ts';

export const PASSPHRASES = {
  NOTARY_ROOT_PASSPHRASE: 'passphrase-1',
  NOTARY_TARGETS_PASSPHRASE: 'passphrase-2',
  NOTARY_SNAPSHOT_PASSPHRASE: 'passphrase-3',
  NOTARY_DELEGATION_PASSPHRASE: 'passphrase-4',
};

type Metadata = {
  signed: { keys: Record<string, { keyval: { public: string } }>; roles: { root: { keyids: string[] } } };
};

export type NotaryServers = Record<string, { url: string; ca?: string }>;

/** Starts both. @param folder for keys and configurations */
export async function startNotaryServers(folder: string): Promise<NotaryServers> {
  const servers: NotaryServers = {};
  const health = (url: string) => async () => {
    const answer = await fetch(`${url}/_notary_server/health`);
    if (!answer.ok) throw new Error(String(answer.status));
  };
  const plain = await freePort();
  servers['plain'] = { url: `http://127.0.0.1:${plain}` };
  const config = join(folder, 'plain.json');
  writeFileSync(
    config,
    JSON.stringify({
      server: { http_addr: `127.0.0.1:${plain}` },
      trust_service: { type: 'local' },
      logging: { level: 'error' },
      storage: { backend: 'memory' },
    }),
  );
  await start('notary-server', [`-config=${config}`], health(servers['plain'].url));
  await startWithSigner(folder, servers);
  return servers;
}

/** As in production: TLS, and the online keys in a signer of their own. */
async function startWithSigner(folder: string, servers: NotaryServers): Promise<void> {
  const at = (name: string) => join(folder, name);
  await command('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=test CA',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  ]);
  writeFileSync(at('ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n');
  await command('openssl', [
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    '/CN=localhost',
    '-keyout',
    at('tls.key'),
    '-out',
    at('tls.csr'),
  ]);
  await command('openssl', [
    'x509',
    '-req',
    '-in',
    at('tls.csr'),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    at('ext'),
    '-out',
    at('tls.pem'),
  ]);
  const [grpc, port] = [await freePort(), await freePort()];
  const tls = { tls_cert_file: at('tls.pem'), tls_key_file: at('tls.key') };
  writeFileSync(
    at('signer.json'),
    JSON.stringify({
      server: { grpc_addr: `127.0.0.1:${grpc}`, ...tls, client_ca_file: at('ca.pem') },
      logging: { level: 'error' },
      storage: { backend: 'memory' },
    }),
  );
  const up = (p: number) => async () => {
    const { connect } = await import('node:net');
    await new Promise<void>((resolve, reject) => {
      const socket = connect(p, '127.0.0.1', () => {
        socket.destroy();
        resolve();
      });
      socket.on('error', reject);
    });
  };
  await start('notary-signer', [`-config=${at('signer.json')}`], up(grpc), { NOTARY_SIGNER_TIMESTAMP_KEY: 'x' });
  writeFileSync(
    at('server.json'),
    JSON.stringify({
      server: { http_addr: `127.0.0.1:${port}`, ...tls },
      trust_service: {
        type: 'remote',
        hostname: 'localhost',
        port: String(grpc),
        key_algorithm: 'ecdsa',
        tls_ca_file: at('ca.pem'),
        tls_client_cert: at('tls.pem'),
        tls_client_key: at('tls.key'),
      },
      logging: { level: 'error' },
      storage: { backend: 'memory' },
    }),
  );
  servers['tls'] = { url: `https://localhost:${port}`, ca: at('ca.pem') };
  await start('notary-server', [`-config=${at('server.json')}`], up(port));
}

/** The pins are taken from what the publisher has on disk, not from the server. */
export function rootPemsOf(home: string, gun: string): string[] {
  const { signed } = JSON.parse(
    readFileSync(join(home, 'tuf/registry.test', gun, 'metadata/root.json'), 'utf8'),
  ) as Metadata;
  return signed.roles.root.keyids.map((id) =>
    Buffer.from(signed.keys[id]?.keyval.public ?? '', 'base64').toString('utf8'),
  );
}
