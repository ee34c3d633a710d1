// Asks the API server whether a subject may do something. authorization.k8s.io/v1
// SubjectAccessReview.
import type { KubeClient } from './client.ts';

export type Subject = {
  readonly user: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
};
export type Attributes = {
  readonly namespace?: string;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly name?: string;
};

/** @throws Problem if the server does not answer; callers must never treat that as allowed */
export async function may(client: KubeClient, subject: Subject, resourceAttributes: Attributes): Promise<boolean> {
  const answer = await client.create('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: { ...subject, resourceAttributes },
  });
  return (answer['status'] as { allowed?: boolean } | undefined)?.allowed === true;
}
