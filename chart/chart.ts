// Generates the Helm chart from the objects that `tagproof manifests` writes: markers in the
// objects become values, and objects that depend on an option become conditional. `npm run chart`
// writes the chart. Tests check that it is up to date, and that the real helm renders what
// manifests writes.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { manifests } from '../src/install/manifests.ts';
import type { InstallOptions } from '../src/install/options.ts';

const { version, description } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, string>;
const REPLICAS = 98;
const WATCHERS = 97;
/** Length of the longest conditional list item, lines: a volume. */
const MAX_ITEM = 8;

/** Markers in the place of values, with every option on. */
const MARKED: InstallOptions = {
  namespace: 'mark-namespace',
  image: 'mark-image',
  policy: 'mark-policy',
  lock: 'mark-lock',
  tls: 'own',
  cluster: true,
  pullSecrets: true,
  reportEvery: 'mark-report',
  clientCa: 'mark-client-ca',
  exemptNamespaces: ['mark-exempt'],
  failurePolicy: 'mark-failure' as 'Fail',
  templates: 'mark-templates' as 'enforce',
  replicas: REPLICAS,
  registrySecret: 'mark-secret',
  watcher: { clusterName: 'mark-cluster', replicas: WATCHERS, hintSecret: 'mark-hints' },
};

type Named = { readonly kind: string; readonly metadata: { readonly name: string } };
const keyOf = (object: object) => `${(object as Named).kind.toLowerCase()}-${(object as Named).metadata.name}`;
const byKey = (options: InstallOptions) =>
  new Map(
    manifests(options)
      .filter((object) => (object as Named).kind !== 'Namespace')
      .map((object) => [keyOf(object), object]),
  );

/** Objects that exist only with an option, and the condition of that option in Helm. */
const CONDITIONS: readonly [missingWith: Partial<InstallOptions>, condition: string][] = [
  [{ pullSecrets: false }, '.Values.pullSecrets'],
  [{ reportEvery: undefined }, '.Values.reportEvery'],
  [{ replicas: 1 }, 'gt (int .Values.replicas) 1'],
  [{ watcher: undefined }, '.Values.watcher.enabled'],
];

function templates(): Record<string, string> {
  const withOwn = byKey(MARKED);
  const managed = byKey({ ...MARKED, tls: 'cert-manager' });
  const files: Record<string, string> = {};
  for (const key of new Set([...withOwn.keys(), ...managed.keys()])) {
    const texts = [withOwn.get(key), managed.get(key)].map((object) => (object === undefined ? '' : textOf(object)));
    const [first, second] = texts as [string, string];
    const otherwise = second === '' ? '' : `{{- else }}\n${second}`;
    let text = first === second ? first : `{{- if eq .Values.certificate "own" }}\n${first}${otherwise}{{- end }}\n`;
    for (const [without, condition] of CONDITIONS)
      if (withOwn.has(key) && !byKey({ ...MARKED, ...without }).has(key))
        text = `{{- if ${condition} }}\n${text}{{- end }}\n`;
    files[`chart/templates/${key.replaceAll('.', '-').replace('-tagproof-admission', '')}.yaml`] = text;
  }
  return files;
}

function textOf(object: object): string {
  let text = stringify(object, { lineWidth: 0, aliasDuplicateObjects: false });
  const put = (marker: string, value: string) => {
    text = text.replaceAll(marker, value);
  };
  put(`replicas: ${REPLICAS}`, 'replicas: {{ .Values.replicas }}');
  put(`replicas: ${WATCHERS}`, 'replicas: {{ .Values.watcher.replicas }}');
  text = onlyWith(text, /mark-lock|--lock|\/policy\/tagproof\.lock/, '.Values.lock');
  text = onlyWith(text, /mark-secret|DOCKER_CONFIG|mountPath: \/registry$/m, '.Values.registrySecret');
  text = onlyWith(text, /mark-hints|--hint-token|\/hints\/token|mountPath: \/hints$/m, '.Values.watcher.hintSecret');
  text = onlyWith(text, /name: TAGPROOF_RECORD/, '.Values.watcher.enabled');
  text = onlyWith(text, /- --pull-secrets/, '.Values.pullSecrets');
  text = onlyWith(text, /- --report-every|- mark-report/, '.Values.reportEvery');
  text = onlyWith(text, /mark-client-ca|--client-ca|\/policy\/client-ca\.crt/, '.Values.clientCa');
  text = text.replace(
    /^( *)- mark-exempt$/gm,
    '$1{{- range .Values.exemptNamespaces }}\n$1- {{ . | quote }}\n$1{{- end }}',
  );
  put('mark-namespace', '{{ .Release.Namespace }}');
  put('mark-cluster', '{{ .Values.watcher.clusterName | quote }}');
  put('mark-hints', '{{ .Values.watcher.hintSecret | quote }}');
  put('mark-image', '{{ .Values.image | quote }}');
  put('mark-policy', '{{ toYaml .Values.policy | toJson }}');
  put('mark-lock', '{{ .Values.lock | toJson }}');
  put('mark-client-ca', '{{ .Values.clientCa | toJson }}');
  put('mark-failure', '{{ .Values.failurePolicy }}');
  put('mark-templates', '{{ .Values.templates }}');
  put('mark-report', '{{ .Values.reportEvery | quote }}');
  put('mark-secret', '{{ .Values.registrySecret | quote }}');
  return text;
}

/** Puts each line or list item that contains the marker under a condition. */
function onlyWith(text: string, marker: RegExp, value: string): string {
  const lines = text.split('\n');
  const indent = (line: string) => line.length - line.trimStart().length;
  const out: string[] = [];
  for (let i = 0; i < lines.length; ) {
    const line = lines[i] as string;
    let end = i + 1;
    if (line.trimStart().startsWith('- '))
      while (end < lines.length && lines[end] !== '' && indent(lines[end] as string) > indent(line)) end++;
    const item = lines.slice(i, end);
    if (item.length <= MAX_ITEM && marker.test(item.join('\n'))) {
      out.push(`{{- if ${value} }}`, ...item, '{{- end }}');
      i = end;
    } else {
      out.push(line);
      i++;
    }
  }
  return out.join('\n');
}

const VALUES = `# The webhook's image, with its digest: the webhook that requires digests has one itself.
image: ""
# The content of tagproof.yaml. ImagePolicy objects are added to it.
policy: {}
# tagproof.lock as text (--set-file lock=tagproof.lock): tags then resolve from it alone.
lock: ""
# own: the webhook makes and renews its certificate; cert-manager: cert-manager does.
certificate: own
# Let the webhook read the pull secrets of every namespace.
pullSecrets: false
# A Secret of type kubernetes.io/dockerconfigjson in this namespace, for private registries.
registrySecret: ""
# Interval of reports on what runs, as 1h. Needs OpenReports or PolicyReport.
reportEvery: ""
# PEM of the CA of the API server's client certificate: the webhook refuses every other caller.
clientCa: ""
# What the API server does if the webhook does not answer: Fail or Ignore.
failurePolicy: Fail
# How to treat objects that only make pods: enforce, warn or ignore.
templates: enforce
replicas: 2
# Exempt namespaces, besides the webhook's own.
exemptNamespaces: [kube-system]
# The watcher records what runs: in a file on its volume, or in PostgreSQL with a Secret tagproof-ledger (url: postgres://…).
watcher:
  enabled: false
  # Name of the cluster in the ledger.
  clusterName: in-cluster
  # More than one needs PostgreSQL.
  replicas: 1
  # A Secret with a token, for push notifications of registries.
  hintSecret: ""
`;

const SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  additionalProperties: false,
  required: ['image', 'policy'],
  properties: {
    global: { type: 'object' },
    image: { type: 'string', pattern: '@sha256:[0-9a-f]{64}$' },
    policy: { type: 'object', required: ['rules'] },
    lock: { type: 'string' },
    certificate: { enum: ['own', 'cert-manager'] },
    pullSecrets: { type: 'boolean' },
    registrySecret: { type: 'string' },
    reportEvery: { type: 'string', pattern: '^(\\d{1,4}[smhd])?$' },
    clientCa: { type: 'string' },
    failurePolicy: { enum: ['Fail', 'Ignore'] },
    templates: { enum: ['enforce', 'warn', 'ignore'] },
    replicas: { type: 'integer', minimum: 1 },
    exemptNamespaces: { type: 'array', items: { type: 'string' } },
    watcher: {
      type: 'object',
      additionalProperties: false,
      properties: {
        enabled: { type: 'boolean' },
        clusterName: { type: 'string', minLength: 1 },
        replicas: { type: 'integer', minimum: 1 },
        hintSecret: { type: 'string' },
      },
    },
  },
};

const NOTES = `tagproof is installed. If the webhook does not answer: {{ .Values.failurePolicy }}. Objects that only make pods: {{ .Values.templates }}.
Its decisions: kubectl logs -n {{ .Release.Namespace }} deployment/tagproof-admission
Gaps in the protection: tagproof doctor --installed-in {{ .Release.Namespace }}
`;

/** The chart's files by path. */
export const CHART: Readonly<Record<string, string>> = {
  'chart/Chart.yaml': stringify({
    apiVersion: 'v2',
    name: 'tagproof',
    description,
    type: 'application',
    version,
    appVersion: version,
    kubeVersion: '>=1.30.0-0',
  }),
  'chart/values.yaml': VALUES,
  'chart/values.schema.json': `${JSON.stringify(SCHEMA, null, 2)}\n`,
  'chart/templates/NOTES.txt': NOTES,
  ...templates(),
};

if (import.meta.main) {
  rmSync('chart/templates', { recursive: true, force: true });
  mkdirSync('chart/templates', { recursive: true });
  for (const [file, text] of Object.entries(CHART)) writeFileSync(file, text);
}
