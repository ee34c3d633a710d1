// A JSON Schema as the API server wants it: structural. kubernetes.io, "Specifying a structural schema". What is lost on the way
// (checks across fields) the webhook's own reader says.

type Schema = { readonly [key: string]: unknown };

/** Keywords that structural schemas have, and that mean the same there. */
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

/** Objects of several forms: the fields of all, and which of them go together. */
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
