// Who signed the running images, and would the policy in force admit them? Evaluated once a day for
// each digest, and again when the policy changes; changes go into the ledger.

import type { Evaluation } from '../evaluate/evaluate.ts';
import type { PinnedReference, Reference, Scope } from '../flow.ts';
import { printReference } from '../image/reference.ts';
import { type EvidenceSummary, summarizeEvaluation } from '../inventory/deployed.ts';
import type { Row } from '../inventory/inventory.ts';
import type { EvidenceEvent } from '../ledger/event.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { EvidenceInterval } from '../ledger/statements.ts';
import { asProblem, type Problem } from '../problem.ts';

/** Evaluates images by one version of the policy. */
export type Evaluator = {
  /** `sha256:HEX` of the policy. */
  readonly policy: string;
  readonly evaluate: (reference: PinnedReference, scope: Scope) => Promise<Evaluation>;
};

export type SignerChange = {
  readonly reference: Reference;
  readonly before: EvidenceInterval;
  readonly now: EvidenceSummary;
};

/** How long an evaluation is valid, milliseconds. */
const VALID_MS = 24 * 3_600_000;
/** The same for one in which something could not be checked. */
const OPEN_MS = 15 * 60_000;
/** Pause after an evaluation that failed, or that could not be recorded. */
const FAILED_MS = 60_000;
const WORKERS = 2;
const MAX_IN_MEMORY = 50_000;

type Wanted = { readonly reference: PinnedReference; readonly scope: Scope };

/** Owns the queue. */
export class EvidenceKeeper {
  readonly #ledger: Ledger;
  readonly #source: () => Promise<Evaluator | undefined>;
  readonly #changed: (change: SignerChange | undefined) => void;
  readonly #failed: (problem: Problem) => void;
  readonly #known = new Map<string, EvidenceSummary & { readonly policy: string }>();
  readonly #waiting = new Map<string, Wanted>();
  readonly #evaluating = new Set<string>();
  readonly #failures = new Map<string, number>();
  /** The evidence that the ledger has open, by registry, repository and digest. */
  readonly #open = new Map<string, EvidenceInterval>();
  #working = 0;
  #evaluator: Evaluator | undefined;
  #sourceFailure = '';

  /**
   * @param source the policy in force, read at each refresh; undefined: there are no rules
   * @param changed called after each evaluation; undefined: nothing changed, or it is the first
   */
  constructor(
    ledger: Ledger,
    source: () => Promise<Evaluator | undefined>,
    changed: (change: SignerChange | undefined) => void,
    failed: (problem: Problem) => void,
  ) {
    this.#ledger = ledger;
    this.#source = source;
    this.#changed = changed;
    this.#failed = failed;
  }

  async start(): Promise<void> {
    for (const row of await this.#ledger.statements.openEvidence()) this.#open.set(openKey(row), row);
    await this.refresh();
  }

  /** Takes over a policy that has changed. */
  async refresh(): Promise<void> {
    try {
      this.#evaluator = await this.#source();
      this.#sourceFailure = '';
    } catch (error) {
      // A policy that cannot be read proves nothing: earlier findings stay, with their age. Each
      // failure is reported once.
      const problem = asProblem(error, 'file');
      if (problem.message !== this.#sourceFailure) this.#failed(problem);
      this.#sourceFailure = problem.message;
    }
  }

  get hasPolicy(): boolean {
    return this.#evaluator !== undefined;
  }

  of(reference: Reference, row: Pick<Row, 'namespace' | 'kind'>): EvidenceSummary | undefined {
    return this.#known.get(keyOf({ reference, scope: scopeOf(row) }));
  }

  /** Queues an evaluation, unless there is a valid one by this policy. */
  want(reference: PinnedReference, row: Pick<Row, 'namespace' | 'kind'>, now = Date.now()): void {
    if (this.#evaluator === undefined) return;
    const wanted = { reference, scope: scopeOf(row) };
    const key = keyOf(wanted);
    const known = this.#known.get(key);
    const valid = known?.outcome === 'open' ? OPEN_MS : VALID_MS;
    if (known !== undefined && known.policy === this.#evaluator.policy && known.checked > now - valid) return;
    if (this.#waiting.has(key) || this.#evaluating.has(key)) return;
    if ((this.#failures.get(key) ?? 0) > now - FAILED_MS) return;
    this.#waiting.set(key, wanted);
    if (this.#working < WORKERS) void this.#work();
  }

  /** Drops what is queued, and resolves when the running evaluations have ended. */
  async settled(): Promise<void> {
    this.#waiting.clear();
    while (this.#working > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async #work(): Promise<void> {
    this.#working++;
    for (let next = this.#waiting.entries().next(); !next.done; next = this.#waiting.entries().next()) {
      const [key, wanted] = next.value;
      this.#waiting.delete(key);
      this.#evaluating.add(key);
      try {
        await this.#evaluate(key, wanted);
        this.#failures.delete(key);
      } catch (error) {
        this.#failures.set(key, Date.now());
        this.#failed(asProblem(error, 'unreachable', { image: wanted.reference.text }));
      }
      this.#evaluating.delete(key);
    }
    this.#working--;
  }

  async #evaluate(key: string, { reference, scope }: Wanted): Promise<void> {
    const evaluator = this.#evaluator;
    if (evaluator === undefined) return; // the rules were removed while it was queued
    const found = summarizeEvaluation(await evaluator.evaluate(reference, scope));
    const before = this.#known.get(key);
    const now = Date.now();
    const isSame = before?.outcome === found.outcome && before.reason === found.reason;
    const evidence = { ...found, checked: now, since: isSame ? before.since : now, policy: evaluator.policy };
    this.#known.set(key, evidence);
    if (this.#known.size > MAX_IN_MEMORY) this.#known.delete(this.#known.keys().next().value as string);
    await this.#record(reference, evidence, evaluator.policy);
  }

  async #record(reference: PinnedReference, evidence: EvidenceSummary, policy: string): Promise<void> {
    const { registry, repository, digest } = reference;
    const { outcome, signers, reason } = evidence;
    // Another watcher may have recorded it already.
    for (const row of await this.#ledger.statements.evidence([digest], true))
      if (row.source === 'watcher') this.#open.set(openKey(row), row);
    const before = this.#open.get(openKey({ registry, repository, digest }));
    const isSame =
      before?.outcome === outcome && String(before.signers) === String(signers) && before.reason === reason;
    if (isSame) return this.#changed(undefined);
    const named = { kind: 'evidence', registry, repository, digest, source: 'watcher' } as const;
    const event: EvidenceEvent = { ...named, outcome, signers, reason, policy };
    const [entry] = await this.#ledger.append([event]);
    const { kind: _, since: __, until: ___, ...row } = event;
    this.#open.set(openKey(row), { ...row, since: entry?.at ?? '', until: null });
    this.#changed(before === undefined ? undefined : { reference, before, now: evidence });
  }
}

const scopeOf = ({ namespace, kind }: Pick<Row, 'namespace' | 'kind'>): Scope => ({ namespace, kind });
const keyOf = ({ reference, scope }: { readonly reference: Reference; readonly scope: Scope }) =>
  `${printReference(reference)} ${scope.namespace} ${scope.kind}`;
const openKey = ({ registry, repository, digest }: Pick<EvidenceInterval, 'registry' | 'repository' | 'digest'>) =>
  `${registry}/${repository}@${digest}`;
