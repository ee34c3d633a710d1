// Prints Kubernetes objects as one stream of YAML documents, for kubectl and for Git.
import { stringify } from 'yaml';

export function printObjects(objects: readonly object[]): string {
  return objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n');
}
