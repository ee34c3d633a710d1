// tagproof where: where a digest runs and ever ran. Beside history, with which it shares its tables.
export { runWhere as run } from './history.ts';
