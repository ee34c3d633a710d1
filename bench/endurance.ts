// A million reviews of images that come and go: does the webhook's memory grow? Only when it is named: npm run bench endurance.
import { load, makeWorld, startTagproof } from './webhook.ts';

const CONNECTIONS = 16;
const ROUNDS = 10;
const REVIEWS = 100_000;

export async function run(): Promise<void> {
  const world = await makeWorld(2000);
  const webhook = await startTagproof(world, CONNECTIONS);
  const tags = world.images.map((image) => image.replace(/@.*/, ''));
  let first = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    // Half by digest, half by tag: verdicts and leases.
    const half = REVIEWS / 2;
    await load((image) => webhook.ask('/validate', image), world.images, half, CONNECTIONS);
    await load((image) => webhook.ask('/mutate', image), tags, half, CONNECTIONS);
    world.registry.log.length = 0;
    const rss = webhook.rss();
    if (round === 1) first = rss;
    process.stdout.write(
      `${round * REVIEWS} reviews: RSS ${(rss / first).toFixed(3)} x that after the first ${REVIEWS}\n`,
    );
  }
  await webhook.stop();
  await world.close();
}
