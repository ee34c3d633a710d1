// Files of other programs with images in them: Compose, CI services, kustomizations, Helm values, Dockerfiles, templates.
import { imageName } from './image-names.ts';
import { type Fields, Grower, type Grown, kubernetesObject, override, parts } from './manifests.ts';
import { type Value, YamlPrinter } from './print-yaml.ts';
import type { Random } from './random.ts';

/** A file before it gets its line ends and its encoding. */
export type Draft = { readonly file: string; readonly text: string; readonly images: readonly string[] };

type Tree = { readonly files: readonly string[]; readonly make: (g: Grower) => Value };

const TREES: readonly Tree[] = [
  {
    files: ['compose.yaml', 'docker-compose.prod.yml', 'x/compose.override.yaml'],
    make: (g) => ({
      'x-common': { image: imageName(g.random), restart: 'always' },
      services: fieldsOf(g, () => g.shuffled({ image: g.image(), ...g.some({ ports: ['80:80'], command: g.word() }) })),
    }),
  },
  {
    files: ['.github/workflows/ci.yml', '.gitea/workflows/a.yaml'],
    make: (g) => ({
      on: 'push',
      jobs: fieldsOf(g, () => ({
        'runs-on': 'ubuntu-latest',
        container: g.random.once(2) ? g.image() : { image: g.image() },
        services: { db: { image: g.image() } },
        steps: [
          { uses: `docker://${g.image()}` },
          { uses: 'actions/checkout@v4' },
          { run: 'docker run nginx:1\necho image: x' },
        ],
      })),
    }),
  },
  {
    files: ['.gitlab-ci.yml', 'ci/build.gitlab-ci.yml'],
    make: (g) => ({
      image: g.random.once(2) ? g.image() : { name: g.image(), entrypoint: [''] },
      services: [g.image(), { name: g.image(), alias: 'db' }],
      build: { image: g.image(), script: ['docker build .', '|', 'image: x'] },
    }),
  },
  {
    files: ['.circleci/config.yml'],
    make: (g) => ({
      version: 2.1,
      executors: { x: { docker: [{ image: g.image() }] } },
      jobs: fieldsOf(g, () => ({
        docker: [{ image: g.image(), auth: { username: 'x' } }],
        machine: { image: 'ubuntu-2204:2024.01.1' },
      })),
    }),
  },
  {
    files: ['kustomization.yaml', 'overlays/a/kustomization.yml', 'Kustomization'],
    make: (g) => ({
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      images: g.random.times(1, 3, () => override(g)),
      patches: [{ patch: new YamlPrinter(g.random).print(kubernetesObject(g.random, 0).value) }],
      patchesStrategicMerge: [`spec: {containers: [{name: a, image: "${imageName(g.random)}"}]}`],
    }),
  },
  {
    files: ['values.yaml', 'charts/x/values-prod.yaml', 'app.values.yml'],
    make: (g) => ({
      image: parts(g),
      ...g.some({
        global: { imageRegistry: 'reg.example' },
        web: { image: parts(g), sidecarImage: imageName(g.random) },
        other: parts(g),
      }),
    }),
  },
  {
    files: ['Chart.yaml'],
    make: (g) => ({
      apiVersion: 'v2',
      name: 'x',
      annotations: {
        'artifacthub.io/images': `- name: a\n  image: ${imageName(g.random)}\n- name: b\n  image: "${imageName(g.random)}"\n`,
      },
    }),
  },
  { files: ['.devcontainer/devcontainer.json', 'a.json'], make: (g) => ({ name: 'x', image: imageName(g.random) }) },
];

const fieldsOf = (g: Grower, make: () => Value): Fields =>
  Object.fromEntries(
    g.random.times(1, 3, (index) => [`${g.random.pick(['web', 'db', 'a b', 'image'])}${index}`, make()]),
  );

/** A file of any kind. */
export function draftFile(random: Random): Draft {
  const form = random.below(20);
  if (form < 9) return manifestFile(random);
  if (form === 9) return dockerfile(random);
  if (form === 10) return helmTemplate(random);
  if (form === 11) return { file: 'a.json', ...jsonOf(random, kubernetesObject(random)) };
  const { files, make } = random.pick(TREES);
  const g = new Grower(random);
  const value = make(g);
  const file = random.pick(files);
  if (file.endsWith('.json')) return { file, ...jsonOf(random, { value, images: g.images }) };
  return { file, text: new YamlPrinter(random).print(value), images: g.images };
}

function jsonOf(random: Random, { value, images }: Grown): { text: string; images: readonly string[] } {
  return {
    text: JSON.stringify(value, null, random.pick<string | number>([0, 1, 2, 4, '\t'])) + random.pick(['', '\n']),
    images,
  };
}

/** A stream of objects between the marks that YAML knows. */
function manifestFile(random: Random): Draft {
  const images: string[] = [];
  const documents = random.times(1, random.once(3) ? 4 : 1, () => {
    const grown = kubernetesObject(random);
    images.push(...grown.images);
    const text = random.once(8) ? `${JSON.stringify(grown.value)}\n` : new YamlPrinter(random).print(grown.value);
    return { text, head: random.pick(['', '', '', '# a comment: image: x:1\n', '\n']) };
  });
  let text = '';
  for (const [index, { text: body, head }] of documents.entries()) {
    const directive = random.once(12)
      ? random.pick(['%YAML 1.1\n', '%YAML 1.2\n', '%TAG ! tag:example.com,2000:\n'])
      : '';
    const mark = random.pick(['---\n', '---\n', '--- # next\n', '--- \n']);
    if (directive !== '') text += `${index > 0 ? '...\n' : ''}${directive}---\n`;
    else if (index > 0 || random.once(3)) text += (random.once(8) && index > 0 ? '...\n' : '') + mark;
    text += head + body;
  }
  if (random.once(10)) text += random.pick(['---\n', '...\n', '\n\n', '# end', '---']);
  return { file: random.pick(['a.yaml', 'deploy/b.yml', 'c.YAML', 'list.yaml']), text, images };
}

function dockerfile(random: Random): Draft {
  const images: string[] = [];
  const image = () => {
    const name = imageName(random);
    images.push(name);
    return name;
  };
  const from = random.pick(['FROM', 'from', 'From']);
  const lines = [
    ...(random.once(4) ? [`# syntax=${imageName(random)}`] : []),
    ...(random.once(8) ? ['# escape=`'] : []),
    ...(random.once(2)
      ? [`ARG BASE=${random.pick(['', '"', "'"])}${imageName(random)}`, `ARG V=${random.pick(['1.2', '', '"3"'])}`]
      : []),
    ...random.times(1, 4, (index) =>
      random.pick([
        `${from} ${random.once(4) ? '--platform=$BUILDPLATFORM ' : ''}${image()}${random.once(2) ? ` AS stage${index}` : ''}`,
        `${from} $BASE`,
        `${from} nginx:\${V}`,
        `${from} stage0 as x`,
        `${from} scratch`,
        `${from} \\\n  ${imageName(random)} \\\n  AS y`,
        `COPY --from=${imageName(random)} /a /b`,
        `COPY --from=stage0 --chown=1 /a /b`,
        `RUN --mount=type=bind,from=${imageName(random)},target=/x echo \\\n  FROM y:1`,
        'RUN <<EOF\nFROM nope:1\nimage: x:1\nEOF',
        `# ${from} comment:1`,
        '\tRUN true # FROM x:1',
        'ONBUILD COPY --from=a:1 b c',
      ]),
    ),
  ];
  return {
    file: random.pick(['Dockerfile', 'Containerfile', 'x.dockerfile', 'Dockerfile.dev']),
    text: `${lines.join('\n')}\n`,
    images: [],
  };
}

/** A chart's template: YAML with expressions in it. */
function helmTemplate(random: Random): Draft {
  const lines = new YamlPrinter(random).print(kubernetesObject(random).value).split('\n');
  const text = lines.flatMap((line) =>
    random.once(8)
      ? [
          random.pick([
            '{{- if .Values.x }}',
            '{{- end }}',
            `        image: "{{ .Values.image }}:{{ .Chart.AppVersion }}"`,
            '{{- include "x" . | nindent 4 }}',
            `  image: ${imageName(random)} {{/* note */}}`,
            `  - image: '${imageName(random)}'`,
            '{% if x %}',
          ]),
          line,
        ]
      : [line],
  );
  return {
    file: random.pick(['templates/a.yaml', 'templates/_x.tpl', 'a.yaml.j2', 'x.tmpl']),
    text: text.join('\n'),
    images: [],
  };
}
