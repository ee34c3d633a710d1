// The projection in SQLite: events → tables.
import { projectionContract } from '../../test/ledger-contract/projection.ts';
import { openInMemory } from '../../test/ledger-contract/sqlite.ts';

projectionContract(openInMemory, 60);
