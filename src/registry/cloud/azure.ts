// Azure's registries by Workload Identity: the pod's token is exchanged for one of Entra ID, and
// that for the registry's refresh token. azure.github.io/azure-workload-identity;
// github.com/Azure/acr, docs/AAD-OAuth.md.
import { readNamed } from '../../file.ts';
import { Problem } from '../../problem.ts';
import type { CloudRequest, Granted } from './ask.ts';

/** A registry's refresh token is valid for three hours. */
const SECONDS = 3 * 3600;

export async function azureToken(host: string, ask: CloudRequest, env: NodeJS.ProcessEnv): Promise<Granted> {
  const [client, tenant, file] = ['AZURE_CLIENT_ID', 'AZURE_TENANT_ID', 'AZURE_FEDERATED_TOKEN_FILE'].map(
    (name) => env[name],
  );
  if (client === undefined || tenant === undefined || file === undefined)
    throw new Problem(
      'credentials',
      `for ${host}: expected AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE, which Workload Identity sets`,
    );
  const authority = (env['AZURE_AUTHORITY_HOST'] ?? 'https://login.microsoftonline.com/').replace(/\/?$/, '/');
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const entra = (await ask({
    method: 'POST',
    url: `${authority}${encodeURIComponent(tenant)}/oauth2/v2.0/token`,
    headers,
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: client,
      scope: 'https://containerregistry.azure.net/.default',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: readNamed(file).toString('utf8').trim(),
    }).toString(),
  })) as { access_token?: unknown };
  if (typeof entra.access_token !== 'string') throw new Problem('credentials', 'Entra ID sent no access token');
  const exchanged = (await ask({
    method: 'POST',
    url: `https://${host}/oauth2/exchange`,
    headers,
    body: new URLSearchParams({
      grant_type: 'access_token',
      service: host,
      tenant,
      access_token: entra.access_token,
    }).toString(),
  })) as { refresh_token?: unknown };
  if (typeof exchanged.refresh_token !== 'string') throw new Problem('credentials', `${host} sent no refresh token`);
  return { credential: { kind: 'identity', token: exchanged.refresh_token }, seconds: SECONDS };
}
