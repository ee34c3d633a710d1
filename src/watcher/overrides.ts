// What people decided about running images, as the ledger has it: holds on workloads, and the
// blocklist. Read again every few seconds, because other processes write it.

import type { Row } from '../inventory/inventory.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Hold } from '../ledger/statements.ts';

type HeldContainer = Pick<Row, 'namespace' | 'kind' | 'name' | 'container'> & { readonly cluster: string | null };

export class Overrides {
  readonly #ledger: Ledger;
  #holds: ReadonlyMap<string, Hold> = new Map();
  #blocked: ReadonlyMap<string, string> = new Map();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** @throws when the ledger does not answer; what was read before stays in force */
  async read(): Promise<void> {
    const { statements } = this.#ledger;
    const [holds, blocked] = [await statements.holds(), await statements.blocklist()];
    this.#holds = new Map(holds.map((hold) => [keyOf(hold), hold]));
    this.#blocked = new Map(blocked.map(({ digest, reason }) => [digest, reason]));
  }

  /** A hold of this cluster, or one that names no cluster and so holds in all of them. */
  hold(container: HeldContainer): Hold | undefined {
    return this.#holds.get(keyOf(container)) ?? this.#holds.get(keyOf({ ...container, cluster: null }));
  }

  /** @returns why the digest is on the blocklist; undefined: it is not */
  blocked(digest: string): string | undefined {
    return this.#blocked.get(digest);
  }
}

const keyOf = ({ cluster, namespace, kind, name, container }: HeldContainer) =>
  `${cluster ?? ''} ${namespace}/${kind}/${name} ${container}`;
