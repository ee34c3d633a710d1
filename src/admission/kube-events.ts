// The Kubernetes Events of a decision: denials, and admissions by a bypass. Pure.

import type { KubeEvent } from '../kube/events.ts';
import { controllerOf, type KubeObject } from '../kube/object.ts';
import type { Admission } from './admit.ts';
import type { AdmissionRequest } from './review.ts';

export function eventsFor(
  { object, kind, namespace, name }: AdmissionRequest,
  { answer, decisions }: Admission,
): KubeEvent[] {
  if (object === null || object === undefined) return [];
  const { metadata } = object as KubeObject;
  const named = name || metadata?.name || metadata?.generateName || 'unnamed';
  const about = { regarding: regardingOf(object as KubeObject, kind.kind, namespace, named), action: 'Admission' };
  const bypassed = decisions.flatMap(({ image, bypass }): KubeEvent[] => {
    if (bypass === undefined) return [];
    const note = `${image} was admitted unchecked by bypass '${bypass.name}': ${bypass.reason}`;
    return [{ type: 'Warning', reason: 'ImageBypassed', note, ...about }];
  });
  const denied: KubeEvent = { type: 'Warning', reason: 'ImageDenied', note: answer.message ?? '', ...about };
  return answer.allowed ? bypassed : [...bypassed, denied];
}

/**
 * The controller that keeps creating the pod, if there is one, because the denied pod itself never
 * existed.
 */
function regardingOf(object: KubeObject, kind: string, namespace: string, name: string): KubeEvent['regarding'] {
  const owner = controllerOf(object);
  if (owner !== undefined)
    return { apiVersion: owner.apiVersion, kind: owner.kind, namespace, name: owner.name, uid: owner.uid };
  return { apiVersion: object.apiVersion ?? 'v1', kind, namespace, name };
}
