// References besides containers and overrides (P32), and files where a digest does harm (P37).
import { testFind } from '../../test/find-case.ts';

testFind([
  {
    name: 'P32: the distribution of a FluxInstance',
    text: 'apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\nspec:\n  distribution:\n    artifact: oci://ghcr.io/org/manifests:latest\n',
    found: ['spec.distribution.artifact ghcr.io/org/manifests:latest'],
  },
  {
    name: 'P32: the sources of an ImageStream',
    text: 'apiVersion: image.openshift.io/v1\nkind: ImageStream\nspec:\n  tags:\n  - name: a\n    from: {kind: DockerImage, name: quay.io/org/app:1}\n  - name: b\n    from: {kind: ImageStreamTag, name: other:2}\n',
    found: ['spec.tags[0].from.name quay.io/org/app:1'],
  },
  {
    name: 'P32: the utility images of Prow',
    text: 'plank:\n  default_decoration_configs:\n    "*":\n      utility_images:\n        clonerefs: gcr.io/k8s-prow/clonerefs:v1\n        sidecar: gcr.io/k8s-prow/sidecar:v1\n',
    found: [
      'plank.default_decoration_configs.*.utility_images.clonerefs gcr.io/k8s-prow/clonerefs:v1',
      'plank.default_decoration_configs.*.utility_images.sidecar gcr.io/k8s-prow/sidecar:v1',
    ],
  },
  {
    name: 'P32: the base images of ko',
    file: '.ko.yaml',
    text: 'defaultBaseImage: cgr.dev/chainguard/static:1\nbaseImageOverrides:\n  example.com/cmd: registry.example.com/base:2\n',
    found: [
      'defaultBaseImage cgr.dev/chainguard/static:1',
      'baseImageOverrides.example.com/cmd registry.example.com/base:2',
    ],
  },
  {
    name: 'P37: a Talos machine configuration is left alone, with the reason',
    text: 'version: v1alpha1\nmachine:\n  install: {image: "ghcr.io/siderolabs/installer:v1.10.0"}\n  kubelet: {image: "ghcr.io/siderolabs/kubelet:v1.33.0"}\n',
    found: [],
    skipped: ['ignored ghcr.io/siderolabs/installer:v1.10.0', 'ignored ghcr.io/siderolabs/kubelet:v1.33.0'],
  },
]);
