// npm run bench: every figure that the README states, with the limit or the peer in the same run. Peers are used where they
// are on the PATH (frizbee, crane); nothing here is timed in a test.
const only = process.argv.slice(2);
for (const name of ['start', 'rewrite', 'registry', 'verify', 'admission', 'scan']) {
  if (only.length > 0 && !only.includes(name)) continue;
  const { run } = (await import(`./${name}.ts`)) as { run: () => Promise<void> };
  process.stdout.write(`\n${name}\n`);
  await run();
}
