// Polls and leases in SQLite: of several watchers one does the work.
import { sharedWorkContract } from '../../test/ledger-contract/shared-work.ts';
import { openInMemory } from '../../test/ledger-contract/sqlite.ts';

sharedWorkContract(openInMemory);
