// What people who look at the cluster are told of a decision: what was denied, what came in by a bypass.

import type { Happening } from '../kube/events.ts';
import { controllerOf, type KubeObject } from '../kube/object.ts';
import type { Admission } from './admit.ts';
import type { Request } from './review.ts';

export function happeningsOf({ object, kind, namespace, name }: Request, { answer, rulings }: Admission): Happening[] {
  if (object === null || object === undefined) return [];
  const { metadata } = object as KubeObject;
  const named = name || metadata?.name || metadata?.generateName || 'unnamed';
  const about = { regarding: regardingOf(object as KubeObject, kind.kind, namespace, named), action: 'Admission' };
  const bypassed = rulings.flatMap(({ image, bypass }): Happening[] => {
    if (bypass === undefined) return [];
    const note = `${image} was let in unchecked by bypass '${bypass.name}': ${bypass.reason}`;
    return [{ type: 'Warning', reason: 'ImageBypassed', note, ...about }];
  });
  const denied: Happening = { type: 'Warning', reason: 'ImageDenied', note: answer.message ?? '', ...about };
  return answer.allowed ? bypassed : [...bypassed, denied];
}

/** The controller that keeps making the pod, where there is one, for the pod itself never was. */
function regardingOf(object: KubeObject, kind: string, namespace: string, name: string): Happening['regarding'] {
  const owner = controllerOf(object);
  if (owner !== undefined)
    return { apiVersion: owner.apiVersion, kind: owner.kind, namespace, name: owner.name, uid: owner.uid };
  return { apiVersion: object.apiVersion ?? 'v1', kind, namespace, name };
}
