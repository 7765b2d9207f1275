// graphile-worker with its batching: a local queue that fetches 500 jobs at once, completions gathered.
import { makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';

const { DATABASE_URL } = process.env;
const JOBS = Number(process.env.JOBS);
const SECONDS = Number(process.env.SECONDS);

const admin = new pg.Client({ connectionString: DATABASE_URL });
await admin.connect();
const utils = await makeWorkerUtils({ connectionString: DATABASE_URL });
await utils.migrate();
await admin.query('delete from graphile_worker._private_jobs');
await admin.query(
  `select count(*) from graphile_worker.add_jobs(
     (select array_agg(('noop', '{"n":1}', null, null, null, null, null, null)::graphile_worker.job_spec)
      from generate_series(1, $1)))`,
  [JOBS],
);
await admin.query('vacuum analyze graphile_worker._private_jobs');
let done = 0;
const ended = new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
let finished;
const all = new Promise((resolve) => (finished = resolve));
const started = performance.now();
const runner = await run({
  taskList: {
    noop: async () => {
      if (++done === JOBS) finished();
    },
  },
  noHandleSignals: true,
  preset: {
    worker: {
      connectionString: DATABASE_URL,
      maxPoolSize: 20,
      concurrentJobs: 24,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
    },
  },
});
await Promise.race([ended, all]);
await runner.stop();
// Only what is gone from the table is complete.
const seconds = (performance.now() - started) / 1000;
const { rows } = await admin.query('select count(*)::int as left from graphile_worker._private_jobs');
console.log(JSON.stringify({ done: JOBS - rows[0].left, seconds }));
await utils.release();
await admin.end();
process.exit(0);
