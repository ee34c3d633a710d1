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
  {
    name: 'GitLab CI: default:, hidden jobs, and keywords that are no job',
    file: 'ci/x.gitlab-ci.yml',
    dialect: 'gitlab-ci',
    text: 'default: {image: a:1, services: [b:1]}\n.hidden: {image: {name: c:1}}\nvariables: {image: d:1}\ninclude: {image: e:1}\nworkflow: {image: f:1}\njob: {image: "", services: [""], variables: {image: g:1}}\n',
    found: ['default.image a:1', 'default.services[0] b:1', '.hidden.image.name c:1'],
  },
  {
    name: 'GitLab CI: anchors, a list at the top, services that are no list',
    file: '.gitlab-ci.yml',
    text: '.a: &i {name: a:1}\nx: {image: *i, services: none}\n---\n- image: b:1\n',
    found: ['x.image.name a:1'],
  },
  {
    name: 'GitLab CI: an alias of a key is no place of an image, in text that either reader reads',
    file: '.gitlab-ci.yml',
    text: '&a image: *a\n',
    found: [],
  },
]);
