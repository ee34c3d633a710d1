// Alarms in SQLite: announced once, each message delivered by one watcher.
import { alarmsContract } from '../../test/ledger-contract/alarms.ts';
import { openInMemory } from '../../test/ledger-contract/sqlite.ts';

alarmsContract(openInMemory);
