// What a registry's answer means when it is no success: a code, and the registry's own message.
// Pure.
import type { Reference } from '../flow.ts';
import { repositoryOf } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import type { Endpoint } from './endpoint.ts';
import type { RegistryResponse } from './exchange.ts';

export function registryError(endpoint: Endpoint, reference: Reference, answer: RegistryResponse): Problem {
  const { host } = new URL(endpoint.base);
  const message = registryWords(answer.body);
  const detail = message === undefined ? '' : `: ${message}`;
  switch (answer.status) {
    case 401:
      return new Problem(
        'denied',
        `${host} gives no access (401${detail}): the image does not exist, or it needs credentials (docker login ${reference.registry})`,
      );
    case 403:
      return new Problem('denied', `${host} forbids access with these credentials (403${detail})`);
    case 404:
      return new Problem(
        'not-found',
        `${host} has no ${repositoryOf(reference)} ${reference.digest ?? `with tag ${reference.tag ?? 'latest'}`} (404${detail})`,
      );
    case 429: {
      const after = header(answer, 'retry-after');
      return new Problem(
        'rate-limited',
        `${host} asks to slow down (429${detail})${after === undefined ? '' : `; try again after ${after}`}`,
      );
    }
    default:
      return new Problem(
        answer.status >= 500 ? 'unreachable' : 'protocol',
        `${host} answered ${answer.status}${detail}`,
      );
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

export function digestMismatch(endpoint: Endpoint, wanted: string, actual: string): Problem {
  return new Problem(
    'mismatch',
    `${new URL(endpoint.base).host} sent bytes with digest ${actual}, expected ${wanted}; nothing of it was used`,
  );
}
