// Which token service may be asked, and which may see credentials. Pure: the argument for T47 on
// one page.
import { Problem } from '../problem.ts';

/**
 * A token service is asked over TLS, unless the registry itself is reached without it.
 * @param base URL of the registry; @param realm as the registry's challenge names it
 */
export function checkRealm(base: string, realm: string): URL {
  const { host, protocol } = new URL(base);
  if (!URL.canParse(realm)) throw new Problem('protocol', `${host} names a token service that is no URL`);
  const url = new URL(realm);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && protocol === 'http:')) return url;
  throw new Problem('refused', `${host} names a token service without TLS (${url.protocol}//${url.host}); not asked`);
}

/** The registry's own host and port, or the host that the user set as tokenHost. */
export function isOwnHost(base: string, tokenHost: string | undefined, realm: URL): boolean {
  return realm.host === new URL(base).host || realm.host === tokenHost;
}

/**
 * Credentials go to the registry's own host, to its own domain (registry.gitlab.com → gitlab.com,
 * registry-1.docker.io → auth.docker.io), or to the tokenHost that the user set. They never follow
 * an answer to any other host.
 */
export function checkCredentialHost(base: string, tokenHost: string | undefined, realm: URL): void {
  const { hostname } = new URL(base);
  if (isOwnHost(base, tokenHost, realm) || realm.hostname === hostname) return;
  if (isInDomainOf(hostname, realm.hostname)) return;
  throw new Problem(
    'refused',
    `${hostname} asks to send its credentials to ${realm.host}, outside its own domain; if that is right, set tokenHost: ${realm.host} for it under registries in tagproof.yaml`,
  );
}

/**
 * The domain is what follows the host's first label. A top-level domain is shared by strangers, and
 * an IP has no domain.
 */
function isInDomainOf(hostname: string, other: string): boolean {
  const domain = hostname.split('.').slice(1).join('.');
  if (!domain.includes('.') || /^[\d.]+$/.test(hostname)) return false;
  return other === domain || other.endsWith(`.${domain}`);
}
