// Reviews of tagproof's own objects: a policy that cannot be used is refused where it is written, a bypass needs the right to.

import { BYPASS } from '../install/crds.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/object.ts';
import { GROUP } from '../policy/object.ts';
import { asProblem } from '../problem.ts';
import { checkTerm, mayBypass, readBypass } from './bypass.ts';
import { checkPolicy } from './policies.ts';
import type { AdmissionRequest, AdmissionResponse } from './review.ts';

/** @param kube undefined: nobody can be asked for rights, so nobody has any */
export async function selfReview(request: AdmissionRequest, kube: KubeClient | undefined): Promise<AdmissionResponse> {
  const { operation, kind, object, oldObject } = request;
  if (kind.group !== GROUP) return refuse(`expected an object of ${GROUP}, got ${kind.kind}`);
  if (operation === 'DELETE' || object === null || object === undefined) return { allowed: true };
  if (JSON.stringify(object['spec']) === JSON.stringify(oldObject?.['spec'])) return { allowed: true };
  const whole: KubeObject = { ...object, kind: kind.kind };
  try {
    if (kind.kind !== BYPASS.kind) {
      const { lints } = await checkPolicy(whole);
      return { allowed: true, ...(lints.length > 0 && { warnings: lints.map((line) => `tagproof: ${line}`) }) };
    }
    checkTerm(readBypass(whole), Date.now());
    if (kube !== undefined && (await mayBypass(kube, request))) return { allowed: true };
    const { username } = request.userInfo;
    return refuse(`${username || 'you'} may not: it takes the verb bypass on imagepolicies.${GROUP} in this namespace`);
  } catch (error) {
    return refuse(asProblem(error, 'syntax').message);
  }
}

const refuse = (message: string): AdmissionResponse => ({ allowed: false, message: `tagproof: ${message}` });
