import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIND_OPTIONS, testFind } from '../../test/find-case.ts';
import { findIn } from './find.ts';

testFind([
  {
    name: 'Dockerfile: stages, scratch, COPY --from, mounts, ARG, syntax, heredoc',
    file: 'Dockerfile',
    text: `# syntax=docker/dockerfile:1
ARG BASE=debian:12
ARG VERSION=1.2
ARG TWICE=1
FROM --platform=$BUILDPLATFORM golang:1.24 AS build
RUN --mount=type=bind,from=busybox:1,target=/x --mount=from=build,target=/y true
from build as test
FROM $BASE
FROM "alpine:3.20"
FROM node:\${VERSION}
FROM a:\${TWICE}
FROM b:\${TWICE}
FROM \${UNSET}
FROM scratch
COPY --from=build /a /b
COPY --from=0 /a /b
COPY --from=quay.io/x/y:1 /a /b
RUN <<EOF
FROM nothing:1
EOF
`,
    found: [
      '# syntax docker/dockerfile:1',
      'ARG BASE debian:12',
      'ARG VERSION node:1.2',
      'FROM golang:1.24',
      'RUN --mount from busybox:1',
      'FROM alpine:3.20',
      'COPY --from quay.io/x/y:1',
    ],
    skipped: [
      'stage build',
      'stage build',
      'variable a:$' + '{TWICE}',
      'variable b:$' + '{TWICE}',
      'variable $' + '{UNSET}',
      'stage scratch',
      'stage build',
      'stage 0',
    ],
  },
  {
    name: 'Dockerfile: instructions in any case, with continuation lines, comments and CRLF',
    file: 'Dockerfile',
    text: '# FROM comment:1\r\nfrom \\\r\n  golang:1 \\\r\n  as b\r\n\r\ncopy --FROM=b / /\r\ncopy --from=busybox:1 / /\r\n',
    found: ['FROM golang:1', 'COPY --from busybox:1'],
  },
  {
    name: 'Dockerfile: a stage is a stage only after it was named, and in any case of letters',
    file: 'Dockerfile',
    text: 'FROM later\nFROM a:1 AS later\nFROM LATER\nCOPY --from=1 / /\nCOPY --from=7 / /\n',
    found: ['FROM later', 'FROM a:1', 'COPY --from 7'],
    skipped: ['stage LATER', 'stage 1'],
  },
  {
    name: 'Dockerfile: an ARG after the first FROM gives a FROM no default',
    file: 'Dockerfile',
    text: 'ARG A=a:1\nFROM $A\nARG B=b:1\nFROM $B\nFROM ${C:-c:1}\n',
    found: ['ARG A a:1'],
    skipped: ['variable $B', 'variable ${C:-c:1}'],
  },
  {
    name: 'Dockerfile: a default with a variable inside, a name in a variable, two variables',
    file: 'Dockerfile',
    text: 'ARG V=1\nARG A=a:$V\nARG R=quay.io\nARG EMPTY=\nFROM $A\nFROM $R/x:1\nFROM $R/x:$V\nFROM $EMPTY\n',
    skipped: ['variable $A', 'variable $R/x:1', 'variable $R/x:$V', 'variable $EMPTY'],
  },
  {
    name: 'Dockerfile: the default of an ARG that is quoted, and one that two FROM use',
    file: 'Dockerfile',
    text: 'ARG A="a:1"\nARG B=\'b:1\'\nFROM $A\nFROM ${A} AS x\nFROM $B\n',
    found: ['ARG A a:1', 'ARG B b:1'],
  },
  {
    name: 'Dockerfile: mounts from images and stages, in any place of the flag',
    file: 'Dockerfile',
    text: 'FROM a:1 AS s\nRUN --mount=from=b:1,target=/x --mount=type=cache,target=/c --mount=target=/y,from=c:1 true\nRUN --mount=type=bind,from=s true\nRUN echo --mount=from=d:1\n',
    found: ['FROM a:1', 'RUN --mount from b:1', 'RUN --mount from c:1'],
    skipped: ['stage s'],
  },
  {
    name: 'Dockerfile: an ignore comment, and what is no reference',
    file: 'Dockerfile',
    text: '# tagproof:ignore built by us\nFROM ours:1\nFROM Nginx:1\n',
    skipped: ['ignored ours:1', 'invalid Nginx:1'],
  },
]);

for (const [name, text] of [
  ['a line', `FROM a:1\nRUN ${'x'.repeat(4001)}\n`],
  ['the file', `FROM a:1\n${'# 123456789\n'.repeat(50_000)}`],
] as const)
  test(`${name} that is longer than in any Dockerfile is refused, without stalling (T30)`, async () => {
    const { found, problems } = await findIn(text, 'Dockerfile', FIND_OPTIONS);
    assert.deepEqual([found.length, problems[0]?.code], [0, 'limit']);
  });
