// Shows verdicts and rejections as they come:  node verdicts.mjs [HOW_MANY]
import { createClient } from 'redis';

const STREAMS = ['claims.passed', 'claims.failed', 'claims.rejected'];
const GROUP = 'pms';
// A name that is the same after a restart, and different for each process that runs at the same time.
const CONSUMER = process.env.PALPATE_CONSUMER ?? 'pms-1';
let left = Number(process.argv[2] ?? Infinity);

const redis = createClient({ url: process.env.PALPATE_REDIS_URL ?? 'redis://127.0.0.1:6379/0' });
redis.on('error', (error) => console.error(`Redis is away (${error.code ?? error.name}), trying again`));
await redis.connect();

for (const stream of STREAMS) {
  try {
    // From 0: what was published before the first start is read too.
    await redis.xGroupCreate(stream, GROUP, '0', { MKSTREAM: true });
  } catch (error) {
    if (!error.message.startsWith('BUSYGROUP')) throw error; // the group is there
  }
}

// First what this consumer was given and did not acknowledge ('0'), then what is new ('>').
let from = '0';
while (left > 0) {
  const position = STREAMS.map((key) => ({ key, id: from }));
  const answer = await redis.xReadGroup(GROUP, CONSUMER, position, { COUNT: Math.min(100, left), BLOCK: 5000 });
  const entries = (answer ?? []).flatMap(({ name, messages }) => messages.map((each) => ({ name, ...each })));
  if (entries.length === 0) from = '>';
  for (const { name, id, message } of entries) {
    await handle(JSON.parse(message.event));
    // Only now: if this process dies before, it is given the event again.
    await redis.xAck(name, GROUP, id);
    left -= 1;
  }
}
await redis.close();

// What your system does with it.  It may be called twice for one event: key what you store by source_event.
async function handle({ type, data }) {
  if (type === 'claim.rejected') {
    const reasons = data.errors.map(({ pointer, reason }) => `${pointer || '/'}: ${reason}`);
    console.log(`rejected ${data.source_event?.id ?? '?'}: ${reasons.join('; ')}`);
    return;
  }
  const errors = data.findings.filter(({ severity }) => severity === 'error');
  console.log(`${data.claim_id} version ${data.version}: ${data.verdict}`);
  for (const { rule, pointer, fixer, remedy } of errors) console.log(`  ${rule} at ${pointer} (${fixer}): ${remedy}`);
}
