import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIND_OPTIONS, testFind } from '../../test/find-case.ts';
import { DIGEST_A, pinText, unpinText } from '../../test/pin-text.ts';
import { findIn } from './find.ts';

const file = '.circleci/config.yml';

testFind([
  {
    name: 'CircleCI: images of jobs and executors, the first and the services beside it',
    file,
    dialect: 'circleci',
    text: `version: 2.1
executors:
  node:
    docker:
      - image: cimg/node:22.1
jobs:
  test:
    docker:
    - {image: "cimg/go:1.24", auth: {username: x, password: $PASSWORD}}
    - image: postgres
      environment: {POSTGRES_USER: root}
    steps: [checkout, {run: 'docker run redis:7'}]
  lint: {executor: node, steps: [checkout]}
`,
    found: [
      'executors.node.docker[0].image cimg/node:22.1',
      'jobs.test.docker[0].image cimg/go:1.24',
      'jobs.test.docker[1].image postgres',
    ],
  },
  {
    name: 'CircleCI: the image of a machine is a virtual machine and no container image',
    file,
    dialect: 'circleci',
    text: `executors:
  vm: {machine: {image: "ubuntu-2204:2024.01.1"}}
jobs:
  build:
    machine:
      image: ubuntu-2404:current
      docker_layer_caching: true
  plain: {machine: true}
  mac: {macos: {xcode: 15.3.0}}
`,
    skipped: ['stage ubuntu-2204:2024.01.1', 'stage ubuntu-2404:current'],
  },
  {
    name: 'CircleCI: anchors and merges, which most configurations use',
    file,
    text: `defaults: &defaults
  docker:
    - &node
      image: cimg/node:22
jobs:
  a: {<<: *defaults, steps: [checkout]}
  b: {docker: [*node, {image: redis:7}]}
`,
    found: ['jobs.a.docker[0].image cimg/node:22', 'jobs.b.docker[1].image redis:7'],
  },
  {
    name: 'CircleCI: parameters are known only to CircleCI',
    file,
    text: `jobs:
  a: {docker: [{image: "cimg/node:<< parameters.version >>"}]}
  b: {docker: [{image: << pipeline.parameters.image >>}]}
  c: {docker: [{image: $IMAGE}]}
`,
    skipped: [
      'template cimg/node:<< parameters.version >>',
      'template << pipeline.parameters.image >>',
      'variable $IMAGE',
    ],
  },
  {
    name: 'CircleCI: jobs and executors of an inline orb',
    file,
    text: `orbs:
  node: circleci/node@5.0
  mine:
    executors: {default: {docker: [{image: a/b:1}]}}
    jobs: {vm: {machine: {image: ubuntu-2204:edge}}}
`,
    found: ['orbs.mine.executors.default.docker[0].image a/b:1'],
    skipped: ['stage ubuntu-2204:edge'],
  },
  {
    name: 'CircleCI: other fields of the same names are not read, and empty ones are nothing',
    file,
    text: `image: top:1
docker: [{image: top:2}]
commands: {c: {parameters: {image: {type: string, default: x:1}}}}
jobs: {a: {docker: [{image: ""}, image, {image: [a:1]}], machine: {image: }}, b: [], c: x}
executors: none
orbs: none
`,
  },
]);

test('the reason for a machine image names what it is', async () => {
  const text = 'jobs: {a: {machine: {image: "ubuntu-2204:2024.01.1"}}}\n';
  const { skipped } = await findIn(text, file, FIND_OPTIONS);
  assert.match(skipped[0]?.detail ?? '', /virtual machine of CircleCI, which is no container image/);
  assert.equal(await pinText(text, file), text, 'and it is never pinned');
});

test('pin and unpin are inverses', async () => {
  const text = 'jobs:\r\n  a:\r\n    docker:\r\n    - image: "cimg/go:1.24" # keep\r\n    machine: {image: vm:1}';
  const pinned = await pinText(text, file);
  assert.equal(pinned, text.replace('go:1.24', `go:1.24@${DIGEST_A}`));
  assert.equal(await unpinText(pinned, file), text);
});

test('only the folder .circleci has such files', async () => {
  const text = 'jobs: {a: {docker: [{image: alpine}]}}\n';
  const dialects = async (name: string) => (await findIn(text, name, FIND_OPTIONS)).found.map(({ dialect }) => dialect);
  assert.deepEqual(await dialects('a/.circleci/continue_config.yml'), ['circleci']);
  assert.deepEqual(await dialects('circleci/config.yml'), []);
});
