// What people said of what runs, as the ledger has it: held here, never again there. Read anew now and then, for others write it.

import type { Row } from '../inventory/inventory.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Hold } from '../ledger/statements.ts';

type Place = Pick<Row, 'namespace' | 'kind' | 'name' | 'container'> & { readonly cluster: string | null };

export class Overrides {
  readonly #ledger: Ledger;
  #holds: ReadonlyMap<string, Hold> = new Map();
  #nevers: ReadonlyMap<string, string> = new Map();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** @throws where the ledger does not answer; what was read before stands */
  async read(): Promise<void> {
    const { statements: results } = this.#ledger;
    this.#holds = new Map((await results.holds()).map((hold) => [keyOf(hold), hold]));
    this.#nevers = new Map((await results.blocklist()).map(({ digest, reason }) => [digest, reason]));
  }

  /** Of its own cluster, or of all that have a workload of this name. */
  hold(row: Place): Hold | undefined {
    return this.#holds.get(keyOf(row)) ?? this.#holds.get(keyOf({ ...row, cluster: null }));
  }

  never(digest: string): string | undefined {
    return this.#nevers.get(digest);
  }
}

const keyOf = ({ cluster, namespace, kind, name, container }: Place) =>
  `${cluster ?? ''} ${namespace}/${kind}/${name} ${container}`;
