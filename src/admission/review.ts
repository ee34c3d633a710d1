// AdmissionReview admission.k8s.io/v1: parses and checks the request, writes the response. Pure.
import * as v from 'valibot';
import { Problem } from '../problem.ts';

const text = v.string();
const ObjectSchema = v.nullish(v.record(v.string(), v.unknown()));
const RequestSchema = v.object({
  uid: v.pipe(text, v.nonEmpty('expected a uid')),
  kind: v.object({ group: text, version: text, kind: text }),
  userInfo: v.optional(
    v.object({
      username: v.optional(text, ''),
      uid: v.optional(text, ''),
      groups: v.optional(v.array(text), []),
      extra: v.optional(v.record(text, v.array(text)), {}),
    }),
    {},
  ),
  subResource: v.optional(text, ''),
  name: v.optional(text, ''),
  namespace: v.optional(text, ''),
  operation: v.picklist(['CREATE', 'UPDATE', 'DELETE', 'CONNECT']),
  object: ObjectSchema,
  oldObject: ObjectSchema,
  dryRun: v.nullish(v.boolean()),
});
const ReviewSchema = v.object({
  apiVersion: v.literal('admission.k8s.io/v1', 'expected admission.k8s.io/v1'),
  kind: v.literal('AdmissionReview'),
  request: RequestSchema,
});

export type AdmissionRequest = v.InferOutput<typeof RequestSchema>;

/** One operation of a JSON Patch. RFC 6902. */
export type Operation = { readonly op: 'replace'; readonly path: string; readonly value: string };

export type AdmissionResponse = {
  readonly allowed: boolean;
  /** Why the object was denied, for the user of kubectl. */
  readonly message?: string;
  readonly warnings?: readonly string[];
  readonly patch?: readonly Operation[];
};

/**
 * API servers cut each warning at 256 bytes, and all together at 4096. kubernetes.io, "Extensible
 * Admission Controllers".
 */
const MAX_WARNING = 250;
const MAX_WARNINGS = 15;

/** @throws Problem `protocol` for a body that is no AdmissionReview of this version (T42) */
export function readReview(json: unknown): AdmissionRequest {
  const result = v.safeParse(ReviewSchema, json);
  if (result.success) return result.output.request;
  const [issue] = result.issues;
  throw new Problem('protocol', `not an AdmissionReview: ${v.getDotPath(issue) ?? 'body'}: ${issue.message}`);
}

/** A serializer makes the patch; it is never concatenated from strings (T53). */
export function writeReview(uid: string, { allowed, message, warnings = [], patch = [] }: AdmissionResponse): object {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid,
      allowed,
      ...(message !== undefined && { status: { code: 403, reason: 'Forbidden', message } }),
      ...(warnings.length > 0 && {
        warnings: warnings.slice(0, MAX_WARNINGS).map((line) => line.slice(0, MAX_WARNING)),
      }),
      ...(patch.length > 0 && { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }),
    },
  };
}
