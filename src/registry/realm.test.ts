// T47: which token service may be asked, and which may see credentials.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Problem } from '../problem.ts';
import { checkCredentialHost, checkRealm, isOwnHost } from './realm.ts';

const codeOf = (task: () => unknown): string => {
  try {
    task();
    return 'allowed';
  } catch (error) {
    assert.ok(error instanceof Problem, String(error));
    return error.code;
  }
};

test('a token service is asked over TLS, except by a registry that is itself reached without it', () => {
  const cases: [base: string, realm: string, outcome: string][] = [
    ['https://r.example.com/v2/', 'https://auth.example.com/token', 'allowed'],
    ['https://r.example.com/v2/', 'http://auth.example.com/token', 'refused'],
    ['https://r.example.com/v2/', 'http://r.example.com/token', 'refused'],
    ['http://localhost:5000/v2/', 'http://localhost:5001/token', 'allowed'],
    ['http://localhost:5000/v2/', 'https://auth.example.com/token', 'allowed'],
    ['http://localhost:5000/v2/', 'ftp://localhost/token', 'refused'],
    ['http://localhost:5000/v2/', 'file:///etc/passwd', 'refused'],
    ['https://r.example.com/v2/', 'token', 'protocol'],
    ['https://r.example.com/v2/', '', 'protocol'],
  ];
  for (const [base, realm, outcome] of cases)
    assert.equal(
      codeOf(() => checkRealm(base, realm)),
      outcome,
      `${base} → ${realm}`,
    );
});

test('credentials stay in the registry’s own domain', () => {
  const cases: [registry: string, realm: string, outcome: string][] = [
    ['r.example.com', 'r.example.com', 'allowed'],
    ['r.example.com', 'r.example.com:8443', 'allowed'],
    ['r.example.com:5000', 'r.example.com', 'allowed'],
    ['registry.gitlab.com', 'gitlab.com', 'allowed'],
    ['registry-1.docker.io', 'auth.docker.io', 'allowed'],
    ['a.b.example.com', 'x.y.b.example.com', 'allowed'],
    // a look-alike: the same ending without the dot
    ['registry.gitlab.com', 'evilgitlab.com', 'refused'],
    ['registry-1.docker.io', 'auth.notdocker.io', 'refused'],
    ['registry-1.docker.io', 'docker.io.evil.com', 'refused'],
    // any host of a top-level domain
    ['example.com', 'evil.com', 'refused'],
    ['example.com', 'com', 'refused'],
    ['ghcr.io', 'auth.ghcr.io', 'refused'],
    ['localhost', 'evil.com', 'refused'],
    // the domain above one's own
    ['a.b.example.com', 'example.com', 'refused'],
    ['a.b.example.com', 'other.example.com', 'refused'],
    // an IP address has no domain
    ['10.1.2.3', '99.1.2.3', 'refused'],
    ['10.1.2.3', '1.2.3', 'refused'],
    ['10.1.2.3:5000', '10.1.2.4', 'refused'],
  ];
  for (const [registry, realm, outcome] of cases)
    assert.equal(
      codeOf(() => checkCredentialHost(`https://${registry}/v2/`, undefined, new URL(`https://${realm}/token`))),
      outcome,
      `${registry} → ${realm}`,
    );
});

test('the user’s tokenHost is exact, port included; the refusal names it', () => {
  const base = 'https://r.example.com/v2/';
  const check = (realm: string) => () => checkCredentialHost(base, 'auth.other.org:8443', new URL(realm));
  assert.equal(codeOf(check('https://auth.other.org:8443/token')), 'allowed');
  for (const realm of ['https://auth.other.org/token', 'https://x.auth.other.org:8443/', 'https://other.org:8443/'])
    assert.equal(codeOf(check(realm)), 'refused', realm);
  assert.throws(check('https://evil.org/token'), /outside its own domain.*set tokenHost: evil\.org/);
});

test('own host means host and port', () => {
  const own = (realm: string) => isOwnHost('https://r.io:5000/v2/', undefined, new URL(realm));
  assert.deepEqual(['https://r.io:5000/t', 'https://r.io/t', 'https://x.r.io:5000/t'].map(own), [true, false, false]);
});

test('property: whatever host an answer names, credentials go only to the registry’s host or below its domain', () => {
  const label = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
  const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
  fc.assert(
    fc.property(host, host, fc.boolean(), (registry, other, glued) => {
      const realm = glued ? `evil${registry.split('.').slice(1).join('.') || registry}` : other;
      if (
        codeOf(() => checkCredentialHost(`https://${registry}/`, undefined, new URL(`https://${realm}/`))) !== 'allowed'
      )
        return;
      const domain = registry.split('.').slice(1);
      const tail = realm.split('.').slice(-domain.length);
      assert.ok(
        realm === registry || (domain.length >= 2 && tail.join('.') === domain.join('.')),
        `${registry} → ${realm}`,
      );
    }),
  );
});
