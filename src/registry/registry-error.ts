// What a registry's answer means when it is no success: a code, and the registry's own words.
import type { Reference } from '../flow.ts';
import { repositoryOf } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import type { Endpoint } from './endpoint.ts';
import type { RegistryResponse } from './transport.ts';

/** A status that is no success, in the registry's own words where it has some. */
export function registryError(endpoint: Endpoint, reference: Reference, answer: RegistryResponse): Problem {
  const { host } = new URL(endpoint.base);
  const words = registryWords(answer.body);
  const said = words === undefined ? '' : `: ${words}`;
  switch (answer.status) {
    case 401:
      return new Problem(
        'denied',
        `${host} gives no access (401${said}): the image does not exist, or it needs credentials (docker login ${reference.registry})`,
      );
    case 403:
      return new Problem('denied', `${host} forbids access with these credentials (403${said})`);
    case 404:
      return new Problem(
        'not-found',
        `${host} has no ${repositoryOf(reference)} ${reference.digest ?? `with tag ${reference.tag ?? 'latest'}`} (404${said})`,
      );
    case 429: {
      const after = header(answer, 'retry-after');
      return new Problem(
        'rate-limited',
        `${host} asks to slow down (429${said})${after === undefined ? '' : `; try again after ${after}`}`,
      );
    }
    default:
      return new Problem(answer.status >= 500 ? 'unreachable' : 'protocol', `${host} answered ${answer.status}${said}`);
  }
}

export function header(answer: RegistryResponse, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The first message of a registry's error body. distribution-spec, "error codes". */
export function registryWords(body: Buffer): string | undefined {
  try {
    const { errors } = JSON.parse(body.toString('utf8')) as { errors?: { message?: unknown; code?: unknown }[] };
    const [first] = errors ?? [];
    const words = first?.message || first?.code;
    // Shown on a terminal: printable characters, one line.
    return typeof words === 'string' ? words.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 200) : undefined;
  } catch {
    return undefined;
  }
}
