// Who signed what runs, and does today's policy still let it in? Asked once a day for each digest, and whenever the policy changes; what
// changed goes into the ledger.

import type { Evaluation } from '../evaluate/evaluate.ts';
import type { PinnedReference, Reference, Scope } from '../flow.ts';
import { printReference } from '../image/reference.ts';
import { type EvidenceSummary, summarizeEvaluation } from '../inventory/deployed.ts';
import type { Row } from '../inventory/inventory.ts';
import type { EvidenceEvent } from '../ledger/event.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { EvidenceInterval } from '../ledger/statements.ts';
import { asProblem, type Problem } from '../problem.ts';

/** Asks signatures and policy. */
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

const AGAIN_MS = 24 * 3_600_000;
/** After one that could not be checked. */
const RETRY_MS = 15 * 60_000;
/** After one that could not be judged or recorded at all. */
const FAILED_MS = 60_000;
const WORKERS = 2;
const MAX_KEPT = 50_000;

type Wanted = { readonly reference: PinnedReference; readonly scope: Scope };

/** Owns the queue. */
export class EvidenceKeeper {
  readonly #ledger: Ledger;
  readonly #source: () => Promise<Evaluator | undefined>;
  readonly #changed: (change: SignerChange | undefined) => void;
  readonly #failed: (problem: Problem) => void;
  readonly #kept = new Map<string, EvidenceSummary & { readonly policy: string }>();
  readonly #waiting = new Map<string, Wanted>();
  readonly #looking = new Set<string>();
  readonly #failures = new Map<string, number>();
  /** What the ledger has open, by registry, repository and digest. */
  readonly #open = new Map<string, EvidenceInterval>();
  #working = 0;
  #evaluator: Evaluator | undefined;
  #failure = '';

  /** @param source today's policy, asked at each refresh; undefined: there are no rules; @param changed undefined: something became known for the first time */
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
      this.#failure = '';
    } catch (error) {
      // A policy that cannot be read says nothing new; what was found stands, with its age. It is told once.
      const problem = asProblem(error, 'file');
      if (problem.message !== this.#failure) this.#failed(problem);
      this.#failure = problem.message;
    }
  }

  /** Whether there are rules to judge by. */
  get hasPolicy(): boolean {
    return this.#evaluator !== undefined;
  }

  of(reference: Reference, row: Pick<Row, 'namespace' | 'kind'>): EvidenceSummary | undefined {
    return this.#kept.get(keyOf({ reference, scope: settingOf(row) }));
  }

  /** Makes it known, in a while, if it is not or no longer. */
  want(reference: PinnedReference, row: Pick<Row, 'namespace' | 'kind'>, now = Date.now()): void {
    if (this.#evaluator === undefined) return;
    const wanted = { reference, scope: settingOf(row) };
    const key = keyOf(wanted);
    const known = this.#kept.get(key);
    const stale = known?.outcome === 'open' ? RETRY_MS : AGAIN_MS;
    if (known !== undefined && known.policy === this.#evaluator.policy && known.checked > now - stale) return;
    if (this.#waiting.has(key) || this.#looking.has(key) || (this.#failures.get(key) ?? 0) > now - FAILED_MS) return;
    this.#waiting.set(key, wanted);
    if (this.#working < WORKERS) void this.#work();
  }

  /** When nothing is waiting any more, for tests and for an end. */
  async settled(): Promise<void> {
    this.#waiting.clear();
    while (this.#working > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async #work(): Promise<void> {
    this.#working++;
    for (let next = this.#waiting.entries().next(); !next.done; next = this.#waiting.entries().next()) {
      const [key, wanted] = next.value;
      this.#waiting.delete(key);
      this.#looking.add(key);
      try {
        await this.#look(key, wanted);
        this.#failures.delete(key);
      } catch (error) {
        this.#failures.set(key, Date.now());
        this.#failed(asProblem(error, 'unreachable', { image: wanted.reference.text }));
      }
      this.#looking.delete(key);
    }
    this.#working--;
  }

  async #look(key: string, { reference, scope }: Wanted): Promise<void> {
    const evaluator = this.#evaluator;
    if (evaluator === undefined) return; // the rules went while it waited
    const found = summarizeEvaluation(await evaluator.evaluate(reference, scope));
    const before = this.#kept.get(key);
    const now = Date.now();
    const same = before?.outcome === found.outcome && before.reason === found.reason;
    const evidence = { ...found, checked: now, since: same ? before.since : now, policy: evaluator.policy };
    this.#kept.set(key, evidence);
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(this.#kept.keys().next().value as string);
    await this.#record(reference, evidence, evaluator.policy);
  }

  async #record(reference: PinnedReference, evidence: EvidenceSummary, policy: string): Promise<void> {
    const { registry, repository, digest } = reference;
    const { outcome, signers, reason } = evidence;
    // Another watcher may have told it already.
    const told = await this.#ledger.statements.evidence([digest], true);
    for (const row of told) if (row.source === 'watcher') this.#open.set(openKey(row), row);
    const before = this.#open.get(openKey({ registry, repository, digest }));
    const same = before?.outcome === outcome && String(before.signers) === String(signers) && before.reason === reason;
    if (same) return this.#changed(undefined);
    const named = { kind: 'evidence', registry, repository, digest, source: 'watcher' } as const;
    const event: EvidenceEvent = { ...named, outcome, signers, reason, policy };
    const [entry] = await this.#ledger.append([event]);
    const { kind: _, since: __, until: ___, ...row } = event;
    this.#open.set(openKey(row), { ...row, since: entry?.at ?? '', until: null });
    this.#changed(before === undefined ? undefined : { reference, before, now: evidence });
  }
}

const settingOf = ({ namespace, kind }: Pick<Row, 'namespace' | 'kind'>): Scope => ({ namespace, kind });
const keyOf = ({ reference, scope }: { readonly reference: Reference; readonly scope: Scope }) =>
  `${printReference(reference)} ${scope.namespace} ${scope.kind}`;
const openKey = ({ registry, repository, digest }: Pick<EvidenceInterval, 'registry' | 'repository' | 'digest'>) =>
  `${registry}/${repository}@${digest}`;
