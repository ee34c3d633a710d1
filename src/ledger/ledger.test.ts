// Queries in SQLite: history of tags and workloads, statements of people and policies.
import { historyContract } from '../../test/ledger-contract/history.ts';
import { openInMemory } from '../../test/ledger-contract/sqlite.ts';
import { statementsContract } from '../../test/ledger-contract/statements.ts';

historyContract(openInMemory);
statementsContract(openInMemory);
