// Single faults of the webhook's server, its installation, doctor and the Kubernetes client that a test must notice.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `from` and `to` are source text
import type { Mutant } from './mutant.ts';

const server = 'src/admission/server.ts';
const serverTests = ['src/admission/server.test.ts'];
const doctorTests = ['src/doctor/webhook-checks.test.ts', 'src/doctor/cluster-checks.test.ts'];

export const INSTALL_MUTANTS: readonly Mutant[] = [
  {
    name: 'a SubjectAccessReview without an answer is a yes',
    file: 'src/kube/rights.ts',
    from: '?.allowed === true;',
    to: '?.allowed !== false;',
    tests: ['src/kube/rights.test.ts'],
    threat: 'T19',
  },
  {
    name: 'shutdown cuts reviews in flight',
    file: server,
    from: 'this.#server.closeIdleConnections();',
    to: 'this.#server.closeAllConnections();',
    tests: serverTests,
  },
  {
    name: 'a client certificate of any CA is accepted',
    file: server,
    from: 'incoming?.socket?.authorized === true;',
    to: 'incoming?.socket !== undefined;',
    tests: serverTests,
    threat: 'T53',
  },
  {
    name: 'the webhook serves a certificate before the API server trusts its CA',
    file: 'src/admission/serving-certificate.ts',
    from: 'if (published && (!issuedByFirst ||',
    to: 'if ((!issuedByFirst ||',
    tests: ['src/admission/serving-certificate.test.ts'],
  },
  {
    name: 'the image webhook can be skipped by a label of the object',
    file: 'src/install/webhooks.ts',
    from: "matchPolicy: 'Equivalent',",
    to: "matchPolicy: 'Equivalent',\n    objectSelector: { matchExpressions: [{ key: 'skip', operator: 'DoesNotExist' }] },",
    tests: ['src/install/manifests.test.ts'],
    threat: 'T20',
  },
  {
    name: 'ephemeral containers are not sent to the webhook',
    file: 'src/install/webhooks.ts',
    from: "resources: ['pods', 'pods/ephemeralcontainers']",
    to: "resources: ['pods']",
    tests: ['src/install/webhooks.test.ts'],
    threat: 'T11',
  },
  {
    name: 'a bypass can be created unreviewed while the webhook is away',
    file: 'src/install/webhooks.ts',
    from: "rules: rules([BYPASS]), failurePolicy: 'Fail'",
    to: "rules: rules([BYPASS]), failurePolicy: 'Ignore'",
    tests: ['src/install/webhooks.test.ts'],
    threat: 'T19',
  },
  {
    name: 'updates are not sent to the webhook',
    file: 'src/install/webhooks.ts',
    from: "operations: ['CREATE', 'UPDATE'], scope: 'Namespaced'",
    to: "operations: ['CREATE'], scope: 'Namespaced'",
    tests: ['src/install/webhooks.test.ts'],
    threat: 'T16',
  },
  {
    name: 'the back-stop overlooks init containers',
    file: 'src/install/vap.ts',
    from: "['containers', 'initContainers', 'ephemeralContainers']",
    to: "['containers', 'ephemeralContainers']",
    tests: ['src/install/vap.test.ts'],
    threat: 'T12',
  },
  {
    name: 'the back-stop takes a digest in the middle of a name for a pin',
    file: 'src/install/vap.ts',
    from: "expression: `${changed}.all(i, i.matches('@sha256:[a-f0-9]{64}$'))`",
    to: "expression: `${changed}.all(i, i.matches('@sha256:[a-f0-9]{64}'))`",
    tests: ['src/install/vap.test.ts'],
  },
  {
    name: 'the back-stop takes a look-alike domain for an allowed one',
    file: 'src/install/vap.ts',
    from: ".endsWith('${host.slice(1)}')",
    to: ".endsWith('${host.slice(2)}')",
    tests: ['src/install/vap.test.ts'],
  },
  {
    name: 'doctor overlooks objects that are exempt by label',
    file: 'src/doctor/webhook-checks.ts',
    from: 'if (Object.keys(objectSelector ?? {}).length > 0)',
    to: 'if (false)',
    tests: doctorTests,
    threat: 'T20',
  },
  {
    name: 'doctor overlooks a label by which a namespace exempts itself',
    file: 'src/doctor/webhook-checks.ts',
    from: "filter((key) => key !== 'kubernetes.io/metadata.name')",
    to: "filter((key) => key.startsWith('tagproof'))",
    tests: doctorTests,
    threat: 'T20',
  },
  {
    name: 'doctor counts what it could not check as a pass',
    file: 'src/doctor/doctor.ts',
    from: "return [unknown(subject, asProblem(error, 'unreachable').message)];",
    to: 'return error === undefined ? [unknown(subject, asProblem(error, subject as never).message)] : [];',
    tests: ['src/doctor/doctor.test.ts'],
  },
  {
    name: 'doctor takes an expired CA for a valid one',
    file: 'src/doctor/webhook-checks.ts',
    from: 'last < now + 30 * DAY_MS',
    to: 'last < 0',
    tests: doctorTests,
  },
  {
    name: 'two replicas hold one Lease',
    file: 'src/kube/lease.ts',
    from: 'if (taken && until > now) return false;',
    to: '',
    tests: ['src/kube/lease.test.ts'],
  },
  {
    name: 'a list that expired between pages is returned without its rest',
    file: 'src/kube/client.ts',
    from: "if (more === '') return { items, resourceVersion };",
    to: 'return { items, resourceVersion };',
    tests: ['src/kube/client.test.ts'],
  },
];
