// Reviews tagproof's own objects: an unusable policy is refused when it is written, and only users
// with the right may create a bypass.

import { BYPASS } from '../install/crds.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/object.ts';
import { GROUP } from '../policy/object.ts';
import { asProblem } from '../problem.ts';
import { checkTerm, mayBypass, readBypass } from './bypass.ts';
import { checkPolicy } from './policies.ts';
import type { AdmissionRequest, AdmissionResponse } from './review.ts';

/** @param kube undefined: no API server to ask for permissions, so no one has any */
export async function selfReview(request: AdmissionRequest, kube: KubeClient | undefined): Promise<AdmissionResponse> {
  const { operation, kind, object, oldObject } = request;
  if (kind.group !== GROUP) return refuse(`expected an object of ${GROUP}, got ${kind.kind}`);
  if (operation === 'DELETE' || object === null || object === undefined) return { allowed: true };
  if (JSON.stringify(object['spec']) === JSON.stringify(oldObject?.['spec'])) return { allowed: true };
  const typed: KubeObject = { ...object, kind: kind.kind };
  try {
    if (kind.kind !== BYPASS.kind) {
      const { lints } = await checkPolicy(typed);
      return { allowed: true, ...(lints.length > 0 && { warnings: lints.map((line) => `tagproof: ${line}`) }) };
    }
    checkTerm(readBypass(typed), Date.now());
    if (kube !== undefined && (await mayBypass(kube, request))) return { allowed: true };
    const { username } = request.userInfo;
    return refuse(
      `${username || 'this user'} may not create bypasses: this needs the verb bypass on imagepolicies.${GROUP} in this namespace`,
    );
  } catch (error) {
    return refuse(asProblem(error, 'syntax').message);
  }
}

const refuse = (message: string): AdmissionResponse => ({ allowed: false, message: `tagproof: ${message}` });
