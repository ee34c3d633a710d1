import { testFind } from '../../test/find-case.ts';

testFind([
  {
    name: 'GitHub Actions: container, services, docker:// steps',
    file: '.github/workflows/ci.yaml',
    text: `on: push
jobs:
  a:
    container: node:24
    services:
      db: {image: "postgres:16"}
    steps:
    - uses: docker://alpine:3
    - uses: actions/checkout@v4
    - run: 'echo "image: x:1"'
  b:
    container: {image: "\${{ matrix.image }}"}
`,
    found: ['jobs.a.container node:24', 'jobs.a.services.db.image postgres:16', 'jobs.a.steps[0].uses alpine:3'],
    skipped: ['template $' + '{{ matrix.image }}'],
  },
  {
    name: 'GitHub Actions: a container action, its Dockerfile, and composite steps',
    file: 'action.yml',
    dialect: 'github-actions',
    text: "runs:\n  using: docker\n  image: docker://alpine:3\n---\nruns: {using: docker, image: Dockerfile}\n---\nruns: {using: composite, steps: [{uses: 'docker://a:1'}, {uses: ./x}, {run: 'docker://b:1'}]}\n",
    found: ['runs.image alpine:3', 'runs.steps[0].uses a:1'],
  },
  {
    name: 'GitHub Actions: a service or container by alias, empty ones, and other fields of these names',
    file: '.github/workflows/a.yml',
    text: 'x: &db {image: "postgres:16"}\njobs:\n  a: {container: "", services: {db: *db, e: {image: ""}}, env: {image: "x:1"}}\n  b: {container: {options: x}, services: none, steps: none}\n  c: {uses: docker://c:1}\ncontainer: top:1\n',
    found: ['jobs.a.services.db.image postgres:16', 'jobs.c.uses c:1'],
  },
]);
