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
  {
    name: 'compose: a build whose image is always pulled is an image',
    file: 'compose.yaml',
    dialect: 'compose',
    text: 'services:\n  a: {build: ., image: "a/b:1", pull_policy: always}\n  b: {build: ., image: "c/d:1", pull_policy: build}\n',
    found: ['services.a.image a/b:1'],
    skipped: ['stage c/d:1'],
  },
  {
    name: 'compose by shape: not where a service is no mapping, where there is no service with an image, nor in an object',
    file: 'a.yaml',
    text: 'services: {a: {image: nginx}, b: c}\n---\nservices: {a: {ports: []}}\nimage: x\n---\nservices: [{image: nginx}]\n',
    skipped: ['uncertain nginx', 'uncertain x', 'uncertain nginx'],
  },
  {
    name: 'compose: a bare name is an image, an empty one nothing, a fragment is read by shape',
    file: 'docker-compose.prod.yml',
    dialect: 'compose',
    text: 'services: {a: {image: nginx}, b: {image: ""}, c: {image: [x]}}\n---\nx: {sidecarImage: "a/b:1"}\n',
    found: ['services.a.image nginx', 'x.sidecarImage a/b:1'],
  },
]);
