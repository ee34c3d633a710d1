import { testFind } from '../../test/find-case.ts';

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
]);
