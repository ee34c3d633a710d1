// npm run bench: every figure that the README states, with the limit or the peer in the same run. Peers are used where they
// are on the PATH (frizbee, crane); nothing here is timed in a test.
const only = process.argv.slice(2);
const USUAL = ['start', 'rewrite', 'registry', 'verify', 'admission', 'scan'];
// Minutes long, or in need of an API server or a database, so only by name: endurance, inventory, ledger, tags, kill.
for (const name of only.length > 0 ? only : USUAL) {
  const { run } = (await import(`./${name}.ts`)) as { run: () => Promise<void> };
  process.stdout.write(`\n${name}\n`);
  await run();
}
