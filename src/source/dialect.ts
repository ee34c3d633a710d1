// Which dialect a file is written in, by its name; what a name leaves open, the content of each document decides.
import type { Dialect } from '../flow.ts';

const BY_NAME: readonly [pattern: RegExp, dialect: Dialect][] = [
  [
    /(^|\/)(Dockerfile|Containerfile)([.-][^/]*)?(?<!\.(md|txt|rst|html|go|py|js|ts|sh|json|ya?ml|tmpl|j2))$/,
    'dockerfile',
  ],
  [/\.(dockerfile|containerfile)$/i, 'dockerfile'],
  [/(^|\/)(kustomization\.ya?ml|Kustomization)$/, 'kustomize'],
  [/(^|\/)Chart\.ya?ml$/, 'helm-chart'],
  [/(^|\/)\.(github|gitea|forgejo)\/workflows\/[^/]+\.ya?ml$/, 'github-actions'],
  [/(^|\/)action\.ya?ml$/, 'github-actions'],
  [/(^|\/)[^/]*\.?gitlab-ci[^/]*\.ya?ml$/, 'gitlab-ci'],
  [/(^|\/)(docker-)?compose([.-][^/]*)?\.ya?ml$/, 'compose'],
  [/(^|\/)([^/]+[.-])?values([.-][^/]+)?\.ya?ml$/, 'helm-values'],
  [/\.(tpl|gotmpl|tmpl|j2|jinja2?)$/, 'template'],
  [/\.(ya?ml|json)$/i, 'yaml'],
];

/** @returns undefined for a file that holds no images as far as its name tells */
export function dialectOf(file: string): Dialect | undefined {
  const path = file.replaceAll('\\', '/');
  return BY_NAME.find(([pattern]) => pattern.test(path))?.[1];
}
