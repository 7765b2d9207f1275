// What every Node peer of `bench callback` does for one callback: check Twilio's signature over URL and form, store the row
// once, and return after the commit. One prepared statement, one round trip, a pool of 20.
import { createHmac, timingSafeEqual } from 'node:crypto';
import pg from 'pg';

const { DATABASE_URL, AUTH_TOKEN, COMPANY, GATEWAY, PUBLIC_URL } = process.env;
const POOL = 20 / Number(process.env.WORKERS ?? 1);

const pool = new pg.Pool({ connectionString: DATABASE_URL, max: POOL, options: '-c role=system', idleTimeoutMillis: 0 });
const STORE = {
  name: 'store',
  text: `insert into inbox (company_id, id, gateway_id, event_id, url, body, received_at) values ($1, $2, $3, $4, $5, $6, $7)
         on conflict on constraint inbox_once do nothing`,
};
export const REPLY = '<?xml version="1.0" encoding="UTF-8"?><Response/>';

function isSigned(url, form, claimed) {
  const mac = createHmac('sha1', AUTH_TOKEN).update(url);
  for (const key of Object.keys(form).sort()) mac.update(key).update(form[key]);
  const expected = mac.digest();
  const given = Buffer.from(claimed ?? '', 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

// UUID v7: the same kind of key as ours.
function id() {
  const bytes = crypto.getRandomValues(Buffer.alloc(16));
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Returns the status to answer with. */
export async function receive(path, raw, form, signature) {
  const url = PUBLIC_URL + path;
  if (!isSigned(url, form, signature)) return 403;
  const event = `${form.CallSid}:${form.SequenceNumber}:${form.CallStatus}`;
  await pool.query({ ...STORE, values: [COMPANY, id(), GATEWAY, event, url, raw, new Date()] });
  return 200;
}
