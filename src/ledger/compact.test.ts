// Compaction in SQLite: what goes, what stays, and that the journal still gives the tables.
import { compactionContract } from '../../test/ledger-contract/compaction.ts';
import { openInMemory } from '../../test/ledger-contract/sqlite.ts';

compactionContract(openInMemory, 60);
