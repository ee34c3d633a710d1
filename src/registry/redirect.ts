// Where a redirect may lead, and what goes along. Pure. RFC 9110 section 15.4; T46, T48.
import { Problem } from '../problem.ts';
import type { Call, RegistryResponse } from './exchange.ts';

/** The next call, and whether it goes to the origin that the caller named. */
export type Hop = { readonly call: Call; readonly sameOrigin: boolean };

/**
 * @returns undefined when the answer is no redirect, or one that is not followed for this method
 */
export function followRedirect(call: Call, { status, headers }: RegistryResponse): Hop | undefined {
  const location = headers['location'];
  if (![301, 302, 303, 307, 308].includes(status) || typeof location !== 'string') return undefined;
  // A body is sent to the host that was asked, and nowhere else.
  if (call.method === 'POST' || call.method === 'PUT') return undefined;
  const from = new URL(call.url);
  if (!URL.canParse(location, call.url))
    throw new Problem('protocol', `${from.host} redirects to something that is no URL`);
  const to = new URL(location, call.url);
  const keepsTls = to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:');
  if (!keepsTls)
    throw new Problem(
      'refused',
      `${from.host} redirects from ${from.protocol}// to ${to.protocol}//${to.host}; not followed`,
    );
  const sameOrigin = to.origin === from.origin;
  // Credentials belong to the origin that asked for them. Headers from hosts.toml may hold some
  // too, so only `accept` stays.
  const { accept } = call.headers;
  const kept = sameOrigin ? call.headers : accept === undefined ? {} : { accept };
  return { call: { ...call, url: to.href, headers: kept }, sameOrigin };
}
