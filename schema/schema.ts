// The JSON Schemas of the files that users write, made from the schemas that tagproof reads with.
// `npm run schema` writes them.
import { writeFileSync } from 'node:fs';
import { type ConversionConfig, toJsonSchema } from '@valibot/to-json-schema';
import { LockSchema } from '../src/lock/lock.ts';
import { CasesSchema } from '../src/policy/cases.ts';
import { ConfigSchema } from '../src/policy/config-schema.ts';
import { ImagePolicySpec, NamespacedImagePolicySpec } from '../src/policy/object.ts';
import { OPENAPI } from './openapi.ts';
import { structural } from './structural.ts';

/** A check is code, which JSON Schema cannot hold: only the reader runs it. */
const OPTIONS: ConversionConfig = { typeMode: 'input', ignoreActions: ['check', 'includes', 'raw_check'] };

export const SCHEMAS: Record<string, object> = {
  'schema/tagproof.lock.json': {
    title: 'tagproof.lock: what each tag was pinned to',
    ...toJsonSchema(LockSchema, OPTIONS),
  },
  'schema/tagproof.yaml.json': {
    title: 'tagproof.yaml: what tagproof finds, how it reaches registries, and the policy',
    ...toJsonSchema(ConfigSchema, OPTIONS),
  },
  'schema/tagproof.test.yaml.json': {
    title: 'tagproof.test.yaml: what the policy must decide',
    ...toJsonSchema(CasesSchema, OPTIONS),
  },
  // It lies in the sources because `tagproof manifests` prints it as custom resource definitions.
  'src/install/policy-schemas.json': {
    ImagePolicy: structural(toJsonSchema(ImagePolicySpec, OPTIONS)),
    NamespacedImagePolicy: structural(toJsonSchema(NamespacedImagePolicySpec, OPTIONS)),
  },
  // In the sources, because the watcher serves it at /openapi.json.
  'src/api/openapi.json': OPENAPI,
};

export const print = (schema: object) => `${JSON.stringify(schema, null, 2)}\n`;

if (import.meta.main) for (const [file, schema] of Object.entries(SCHEMAS)) writeFileSync(file, print(schema));
