// BullMQ on a Redis that writes every command to the disk before it answers.
import { Queue, Worker } from 'bullmq';

const JOBS = Number(process.env.JOBS);
const SECONDS = Number(process.env.SECONDS);
const connection = { host: '127.0.0.1', port: Number(process.env.REDIS_PORT), maxRetriesPerRequest: null };

const queue = new Queue('calls', { connection, defaultJobOptions: { removeOnComplete: true } });
await queue.obliterate({ force: true });
for (let n = 0; n < JOBS; n += 1000) {
  await queue.addBulk(Array.from({ length: Math.min(1000, JOBS - n) }, () => ({ name: 'noop', data: { n: 1 } })));
}
let done = 0;
const started = performance.now();
const worker = new Worker('calls', async () => {}, { connection, concurrency: 200 });
await new Promise((resolve) => {
  const timer = setTimeout(resolve, SECONDS * 1000);
  worker.on('completed', () => {
    if (++done === JOBS) {
      clearTimeout(timer);
      resolve();
    }
  });
});
const [seconds, counted] = [(performance.now() - started) / 1000, done];
console.log(JSON.stringify({ done: counted, seconds }));
process.exit(0);
