// Publishes claim events, one a file:  node publish.mjs EVENT.json...
import { readFile } from 'node:fs/promises';
import { createClient } from 'redis';

const redis = createClient({ url: process.env.PALPATE_REDIS_URL ?? 'redis://127.0.0.1:6379/0' });
redis.on('error', (error) => console.error(`Redis is away (${error.code ?? error.name}), trying again`));
await redis.connect();

for (const path of process.argv.slice(2)) {
  const event = JSON.parse(await readFile(path, 'utf8'));
  // Publishing it again is safe, whatever happened: the same (source, id) is one event.
  const entry = await redis.xAdd('claims.created', '*', { event: JSON.stringify(event) });
  console.log(`${event.id} is on the stream as ${entry}`);
}
await redis.close();
