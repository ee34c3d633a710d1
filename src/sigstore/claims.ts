// The claims of Fulcio's certificates about a build, by the names that a policy uses. Fulcio docs/oid-info.md, 1.3.6.1.4.1.57264.1.*

/** Current extensions, whose value is a DER UTF8String. */
export const CLAIMS: Readonly<Record<string, number>> = {
  buildSignerURI: 9,
  buildSignerDigest: 10,
  runnerEnvironment: 11,
  sourceRepositoryURI: 12,
  sourceRepositoryDigest: 13,
  sourceRepositoryRef: 14,
  sourceRepositoryIdentifier: 15,
  sourceRepositoryOwnerURI: 16,
  sourceRepositoryOwnerIdentifier: 17,
  buildConfigURI: 18,
  buildConfigDigest: 19,
  buildTrigger: 20,
  runInvocationURI: 21,
  sourceRepositoryVisibility: 22,
};
/** The first extensions, whose value is the bare text. */
export const LEGACY_CLAIMS: Readonly<Record<string, number>> = {
  githubWorkflowTrigger: 2,
  githubWorkflowSha: 3,
  githubWorkflowName: 4,
  githubWorkflowRepository: 5,
  githubWorkflowRef: 6,
};
export const CLAIM_NAMES: readonly string[] = [...Object.keys(CLAIMS), ...Object.keys(LEGACY_CLAIMS)];
