// Rows of what is deployed, for tests of code that shows or counts them.
import type { DeployedContainer, RunningImage } from '../src/inventory/deployed.ts';
import type { ImageIdentity } from '../src/inventory/image-identity.ts';

export const identifiedAs = (
  digest: string,
  identity: ImageIdentity,
  more: Partial<RunningImage> = {},
): RunningImage => ({
  image: 'registry.test/shop/web:v1',
  digest,
  imageId: `x@${digest}`,
  pods: 3,
  nodes: ['n1', 'n2'],
  identity,
  evidence: null,
  pullable: null,
  blocked: null,
  ...more,
});

export const deployedRow = (
  name: string,
  digest: string,
  more: Partial<DeployedContainer> = {},
): DeployedContainer => ({
  cluster: 'prod',
  namespace: 'shop',
  kind: 'Deployment',
  name,
  uid: name,
  container: 'main',
  type: 'container',
  declared: [`registry.test/shop/${name}:v1`],
  running: [identifiedAs(digest, { state: 'same' })],
  pods: 3,
  mixed: false,
  pinned: 'tag',
  tag: { name: 'v1', digest, since: 0, checked: Date.now() - 400_000, failure: null },
  missingPlatforms: null,
  hold: undefined,
  ...more,
});
