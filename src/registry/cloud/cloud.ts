// Credentials of the cloud that a webhook runs in. Only registries that the policy names host by
// host, and that belong to that cloud, get them: a look-alike host gets nothing (T49).
import { CLOUD_HOSTS, type Cloud, matchesHost } from '../../image/hosts.ts';
import { Problem } from '../../problem.ts';
import type { CredentialSource } from '../credential.ts';
import type { RegistrySetting } from '../endpoint.ts';
import { amazonToken } from './amazon.ts';
import { ask as askCloud, type CloudRequest, type Granted } from './ask.ts';
import { azureToken } from './azure.ts';
import { googleToken } from './google.ts';

type Grant = (host: string, ask: CloudRequest, env: NodeJS.ProcessEnv) => Promise<Granted>;
const GRANTS: Readonly<Record<Cloud, Grant>> = { google: googleToken, azure: azureToken, amazon: amazonToken };

/** A credential is renewed this long before its end, seconds. */
const EARLY = 300;

/** @param otherwise for every other host */
export function cloudCredentials(
  settings: readonly RegistrySetting[],
  otherwise: CredentialSource,
  ask: CloudRequest = askCloud,
  env: NodeJS.ProcessEnv = process.env,
): CredentialSource {
  const clouds = new Map(
    settings.flatMap(({ host, credentials }) => (credentials === undefined ? [] : [[host, credentials]])),
  );
  const cache = new Map<string, { granted: Promise<Granted>; until: number }>();
  return async (registry, repository) => {
    const cloud = clouds.get(registry);
    if (cloud === undefined) return otherwise(registry, repository);
    // The policy was checked when it was read. This second check costs nothing, and a token is
    // worth it.
    if (!matchesHost(CLOUD_HOSTS[cloud], registry))
      throw new Problem('refused', `${registry} is no registry of ${cloud}: it gets no token`);
    const known = cache.get(registry);
    if (known !== undefined && known.until > Date.now()) return (await known.granted).credential;
    const entry = { granted: GRANTS[cloud](registry, ask, env), until: Number.POSITIVE_INFINITY };
    cache.set(registry, entry);
    try {
      const { credential, seconds } = await entry.granted;
      entry.until = Date.now() + Math.max(0, seconds - EARLY) * 1000;
      return credential;
    } catch (error) {
      cache.delete(registry);
      throw error;
    }
  };
}
