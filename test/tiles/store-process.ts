import { TileStore } from '../../src/adapters/tiles/tile-store.ts';
import { Random } from '../../src/math/random.ts';
import { refusalReason } from '../../src/types.ts';
import { sha256 } from './fixture.ts';

/** One of several processes that work in one store: says how many files it read that were not what they are named. */
const [folder, seed] = process.argv.slice(2);
const random = new Random(Number(seed));
const store = await TileStore.open(folder!, 10_000);
let wrong = 0;
const refused: Record<string, number> = {};
for (let round = 0; round < 150; round++) {
  const bytes = Buffer.alloc(1000, Math.floor(random.uniform(0, 30)));
  const name = sha256(bytes);
  try {
    const there = await store.read(name);
    if (there && sha256(there) !== name) wrong++;
    if (!there) {
      const incoming = await store.begin(name, bytes.length);
      await incoming.write(bytes.subarray(0, 400));
      await incoming.write(bytes.subarray(400));
      await incoming.commit();
    } else if (random.uniform(0, 1) < 0.1) await store.discard(name);
  } catch (error) {
    const reason = refusalReason(error) ?? String(error);
    refused[reason] = (refused[reason] ?? 0) + 1;
  }
}
await store.close();
process.stdout.write(JSON.stringify({ wrong, refused }));
process.disconnect?.();
