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
]);
