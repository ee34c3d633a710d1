// The Helm chart, made from the very objects that `tagproof manifests` writes: marks in their places become values. `npm run chart`
// writes it; a test holds that it is fresh, and with the real helm that what it renders is what manifests gives.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { manifests } from '../src/serve/manifests.ts';

const { version, description } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, string>;
const REPLICAS = 98;
/** Lines of the longest list item that stands under a condition: a volume. */
const MAX_ITEM = 8;

/** Marks that stand where values will be. */
const MARKED = manifests({
  namespace: 'mark-namespace',
  image: 'mark-image',
  policy: 'mark-policy',
  lock: 'mark-lock',
  tls: 'cert-manager',
  exemptNamespaces: ['mark-exempt'],
  failurePolicy: 'mark-failure' as 'Fail',
  templates: 'mark-templates' as 'enforce',
  replicas: REPLICAS,
  registrySecret: 'mark-secret',
});

function template(object: object): string {
  const { kind } = object as { kind: string };
  let text = stringify(object, { lineWidth: 0, aliasDuplicateObjects: false });
  const put = (mark: string, value: string) => {
    text = text.replaceAll(mark, value);
  };
  put(`replicas: ${REPLICAS}`, 'replicas: {{ .Values.replicas }}');
  text = onlyWith(text, /mark-lock|--lock|\/policy\/tagproof\.lock/, '.Values.lock');
  text = onlyWith(text, /mark-secret|DOCKER_CONFIG|mountPath: \/registry$/m, '.Values.registrySecret');
  text = text.replace(
    /^( *)- mark-exempt$/gm,
    '$1{{- range .Values.exemptNamespaces }}\n$1- {{ . | quote }}\n$1{{- end }}',
  );
  put('mark-namespace', '{{ .Release.Namespace }}');
  put('mark-image', '{{ .Values.image | quote }}');
  put('mark-policy', '{{ toYaml .Values.policy | toJson }}');
  put('mark-lock', '{{ .Values.lock | toJson }}');
  put('mark-failure', '{{ .Values.failurePolicy }}');
  put('mark-templates', '{{ .Values.templates }}');
  put('mark-secret', '{{ .Values.registrySecret | quote }}');
  return kind === 'PodDisruptionBudget' ? `{{- if gt (int .Values.replicas) 1 }}\n${text}{{- end }}\n` : text;
}

/** Puts each line, or whole list item, that has the mark under a condition. */
function onlyWith(text: string, mark: RegExp, value: string): string {
  const lines = text.split('\n');
  const indent = (line: string) => line.length - line.trimStart().length;
  const out: string[] = [];
  for (let i = 0; i < lines.length; ) {
    const line = lines[i] as string;
    let end = i + 1;
    if (line.trimStart().startsWith('- '))
      while (end < lines.length && lines[end] !== '' && indent(lines[end] as string) > indent(line)) end++;
    const block = lines.slice(i, end);
    // The item itself, not the container that holds it.
    if (mark.test(block.join('\n')) && block.length <= MAX_ITEM) {
      const pad = ' '.repeat(indent(line));
      out.push(`${pad}{{- if ${value} }}`, ...block, `${pad}{{- end }}`);
      i = end;
    } else {
      out.push(line);
      i++;
    }
  }
  return out.join('\n');
}

const VALUES = `# The webhook's own image, with its digest: what guards the others is pinned itself.
image: ""
# tagproof.yaml, as it is.
policy: {}
# tagproof.lock as text (--set-file lock=tagproof.lock): then tags mean what it says.
lock: ""
# A Secret of type kubernetes.io/dockerconfigjson in this namespace, for private registries.
registrySecret: ""
# When the webhook does not answer: Fail or Ignore.
failurePolicy: Fail
# Objects that only make pods: enforce, warn or ignore.
templates: enforce
replicas: 2
# Never asked about, beside the webhook's own namespace.
exemptNamespaces: [kube-system]
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
    registrySecret: { type: 'string' },
    failurePolicy: { enum: ['Fail', 'Ignore'] },
    templates: { enum: ['enforce', 'warn', 'ignore'] },
    replicas: { type: 'integer', minimum: 1 },
    exemptNamespaces: { type: 'array', items: { type: 'string' } },
  },
};

const NOTES = `tagproof guards this cluster: {{ .Values.failurePolicy }} when it does not answer, {{ .Values.templates }} for objects that only make pods.
See what it decides: kubectl logs -n {{ .Release.Namespace }} deployment/tagproof-admission
`;

/** The chart's files by path. cert-manager makes and renews the certificate. */
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
  ...Object.fromEntries(
    MARKED.filter((object) => (object as { kind: string }).kind !== 'Namespace').map((object) => [
      `chart/templates/${(object as { kind: string }).kind.toLowerCase()}.yaml`,
      template(object),
    ]),
  ),
};

if (import.meta.main) {
  mkdirSync('chart/templates', { recursive: true });
  for (const [file, text] of Object.entries(CHART)) writeFileSync(file, text);
}
