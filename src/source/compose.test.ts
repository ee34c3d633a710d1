import { testFind } from '../../test/find-case.ts';

testFind([
  {
    name: 'compose: merged services, builds, variables',
    file: 'docker-compose.yml',
    text: `x-base: &base
  image: postgres:16
services:
  db: *base
  other:
    <<: *base
  web:
    build: .
    image: mine:dev
  cache:
    image: redis:\${TAG:-7}
`,
    found: ['services.db.image postgres:16'],
    skipped: ['stage mine:dev', 'variable redis:${TAG:-7}'],
  },
  {
    name: 'compose by shape, whatever the file is called',
    file: 'stack.yml',
    text: 'services:\n  a: {image: nginx}\n',
    found: ['services.a.image nginx'],
  },
]);
