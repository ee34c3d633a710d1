import { testFind } from '../../test/find-case.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const file = 'values.yaml';

testFind([
  {
    name: 'parts: the registry is put before the repository, with or without a slash',
    file,
    text: 'a: {registry: quay.io, repository: x/y, tag: v1}\nb: {registry: quay.io/, repository: x/y, tag: v1}\nc: {registry: "", repository: x/y, tag: v1}\n',
    found: ['a.repository quay.io/x/y:v1', 'b.repository quay.io/x/y:v1', 'c.repository x/y:v1'],
  },
  {
    name: 'parts: a digest beside the tag, a bare digest, and a sha without prefix',
    file,
    text: `a: {repository: x/y, tag: v1, digest: "${DIGEST}"}\nb: {repository: x/y, digest: "${DIGEST}"}\nc: {repository: x/y, tag: v1, sha: ${DIGEST.slice(7)}}\n`,
    found: [`a.repository x/y:v1@${DIGEST}`, `b.repository x/y@${DIGEST}`, `c.repository x/y:v1@${DIGEST}`],
  },
  {
    name: 'parts: a digest in the tag counts, and a digest key beside it does not count twice',
    file,
    text: `a: {repository: x/y, tag: "v1@${DIGEST}"}\nb: {repository: x/y, tag: "v1@${DIGEST}", digest: "${DIGEST}"}\n`,
    found: [`a.repository x/y:v1@${DIGEST}`, `b.repository x/y:v1@${DIGEST}`],
  },
  {
    name: 'parts: every family of names',
    file,
    text: `a: {repository: a/a, imageTag: v1}
b: {imageRepository: b/b, imageTag: v1, imageRegistry: quay.io}
c: {imageName: c/c, imageTag: v1}
d: {image: d/d, imageTag: v1}
e: {image: e/e, tag: v1}
someImage: {repo: f/f, tag: v1}
otherImage: {name: g/g, tag: v1}
`,
    found: [
      'a.repository a/a:v1',
      'b.imageRepository quay.io/b/b:v1',
      'c.imageName c/c:v1',
      'd.image d/d:v1',
      'e.image e/e:v1',
      'someImage.repo f/f:v1',
      'otherImage.name g/g:v1',
    ],
  },
  {
    name: 'parts: repo and name count only under a key that mentions an image',
    file,
    text: 'chart: {repo: f/f, tag: v1, x: image}\nrelease: {name: g/g, tag: v1}\n',
  },
  {
    name: 'parts: words for null, empty text and missing parts are no image',
    file,
    text: 'image: {a: {repository: "", tag: v1}, b: {tag: v1}, c: {repository: x/y}, d: {repository: [x], tag: v1}}\n',
  },
  {
    name: 'parts: a tag that is null leaves the name without tag',
    file,
    text: 'image: {repository: x/y, tag: null}\n',
    found: ['image.repository x/y'],
  },
  {
    name: 'parts: an expression in any part is a template, with all parts named',
    file,
    text: 'image: {repository: x/y, tag: "{{ .t }}"}\nother: {registry: "${R}", repository: x/y, tag: v1, x: image}\n',
    skipped: ['template x/y {{ .t }}', 'variable x/y ${R} v1'],
  },
  {
    name: 'P11 parts: what is no reference in values is invalid; a URL belongs to something else',
    file,
    text: 'image: {repository: x/Y, tag: v1}\nother: {repository: x/y, tag: "a b", x: image}\nimageOf: {repository: "https://x.test/y", tag: v1}\n',
    skipped: ['invalid x/y'],
  },
  {
    name: 'parts outside of values: another key must mention images, or the name has a host',
    file: 'app.yaml',
    text: `source: {repository: x/y, tag: v1}
webImage: {repository: x/y, tag: v1}
app: {repository: quay.io/x/y, tag: v1}
pull: {repository: x/y, tag: v1, pullPolicy: Always}
pin: {repository: x/y, tag: v1, digest: ""}
host: {registry: quay.io, repository: x/y, tag: v1}
git: {repository: "https://github.com/x/y", tag: v1}
`,
    found: [
      'webImage.repository x/y:v1',
      'app.repository quay.io/x/y:v1',
      'pull.repository x/y:v1',
      'pin.repository x/y:v1',
      'host.repository quay.io/x/y:v1',
    ],
  },
  {
    name: 'parts: a whole reference under image: with a tag: beside it is not in parts',
    file,
    text: 'a: {image: "x/y:v2", tag: v1}\n',
    found: ['a.image x/y:v2'],
  },
  {
    name: 'parts: aliases give their values',
    file,
    text: 'x: &r x/y\nimage: {repository: *r, tag: v1}\n',
    found: ['image.repository x/y:v1'],
  },
]);
