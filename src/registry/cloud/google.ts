// Google's registries by the service account of the machine or the pod: Workload Identity answers
// at the metadata server. cloud.google.com, "Authenticate to workloads using the metadata server".
import { Problem } from '../../problem.ts';
import type { CloudRequest, Granted } from './ask.ts';

export async function googleToken(_host: string, ask: CloudRequest, env: NodeJS.ProcessEnv): Promise<Granted> {
  const server = env['GCE_METADATA_HOST'] ?? 'metadata.google.internal';
  const answer = (await ask({
    method: 'GET',
    url: `http://${server}/computeMetadata/v1/instance/service-accounts/default/token`,
    headers: { 'metadata-flavor': 'Google' },
  })) as { access_token?: unknown; expires_in?: unknown };
  if (typeof answer.access_token !== 'string' || typeof answer.expires_in !== 'number')
    throw new Problem('credentials', 'the metadata server sent no access token');
  const credential = { kind: 'basic', username: 'oauth2accesstoken', password: answer.access_token } as const;
  return { credential, seconds: answer.expires_in };
}
