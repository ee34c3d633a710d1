// Makes a JSON Schema structural, as the API server demands: kubernetes.io, "Specifying a
// structural schema". Checks across fields are lost here; the reader of the webhook still makes
// them.

type Schema = { readonly [key: string]: unknown };

/** Keywords with the same meaning in structural schemas. */
const KEPT = ['type', 'enum', 'pattern', 'minLength', 'minItems', 'minimum', 'required'];

export function structural(schema: object): Schema {
  const given = schema as Schema;
  const forms = given['anyOf'] as Schema[] | undefined;
  if (forms !== undefined) return oneOfForms(forms);
  const out: Record<string, unknown> = {};
  for (const key of KEPT) {
    const value = given[key];
    if (value !== undefined && !(key === 'required' && (value as string[]).length === 0)) out[key] = value;
  }
  if (given['const'] !== undefined) out['enum'] = [given['const']];
  const properties = given['properties'] as Record<string, Schema> | undefined;
  if (properties !== undefined) out['properties'] = mapValues(properties, structural);
  else if (typeof given['additionalProperties'] === 'object')
    out['additionalProperties'] = structural(given['additionalProperties'] as Schema);
  if (given['items'] !== undefined) out['items'] = structural(given['items'] as Schema);
  return out;
}

/** An object of several forms: the fields of all forms, and which of them are required together. */
function oneOfForms(forms: readonly Schema[]): Schema {
  const properties = Object.assign(
    {},
    ...forms.map(({ properties: own }) => mapValues(own as Record<string, Schema>, structural)),
  );
  return { type: 'object', properties, oneOf: forms.map(({ required }) => ({ required })) };
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
