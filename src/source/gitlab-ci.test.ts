import { testFind } from '../../test/find-case.ts';

testFind([
  {
    name: 'GitLab CI: image and services, text or name:',
    file: '.gitlab-ci.yml',
    text: `image: ruby:3
services: [postgres:16, {name: "redis:7", alias: r}]
test:
  image: {name: alpine:3, entrypoint: [""]}
build:
  image: $CI_REGISTRY_IMAGE:latest
`,
    found: ['image ruby:3', 'services[0] postgres:16', 'services[1].name redis:7', 'test.image.name alpine:3'],
    skipped: ['variable $CI_REGISTRY_IMAGE:latest'],
  },
]);
