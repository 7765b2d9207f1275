// A file into a table as one writes it: papaparse streams, node-postgres inserts a thousand rows at a time in one transaction.
import { createReadStream } from 'node:fs';
import Papa from 'papaparse';
import pg from 'pg';

const { COMPANY, DATABASE_URL } = process.env;
const client = new pg.Client({ connectionString: DATABASE_URL });
await client.connect();
let rows = 0;
const started = performance.now();
await client.query('begin');

async function store(batch) {
  const columns = [[], [], [], [], []];
  for (const row of batch) {
    const phone = `+${row.Phone.replace(/\D/g, '')}`;
    if (!row.Name || !/^\+[1-9]\d{6,14}$/.test(phone)) throw new Error(`bad row ${JSON.stringify(row)}`);
    [row.Name.trim(), phone, row.Phone, row['E-mail'].trim(), row.Company.trim()].forEach((cell, n) => columns[n].push(cell));
  }
  const { rowCount } = await client.query(
    `insert into program (company_id, id, name, phone, phone_raw, email, company, segment, created_at, updated_at)
     select $1, gen_random_uuid(), n.name, n.phone, n.raw, n.email, n.company, 'spring', now(), now()
     from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) as n (name, phone, raw, email, company)
     on conflict (company_id, phone) do nothing`,
    [COMPANY, ...columns],
  );
  rows += rowCount;
}

let batch = [];
for await (const row of createReadStream(process.argv[2]).pipe(Papa.parse(Papa.NODE_STREAM_INPUT, { header: true }))) {
  batch.push(row);
  if (batch.length === 1000) {
    await store(batch);
    batch = [];
  }
}
if (batch.length) await store(batch);
await client.query('commit');
console.log(JSON.stringify({ rows, seconds: (performance.now() - started) / 1000 }));
await client.end();
