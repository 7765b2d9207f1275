// Express + pg.
import { parse } from 'node:querystring';
import express from 'express';
import { receive, REPLY } from './callback.mjs';
import { serve } from './workers.mjs';

serve((port) => {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.get('/healthz', (_, response) => response.send('ok'));
  app.post('/hooks/twilio/:gateway', express.raw({ type: () => true, limit: '64kb' }), async (request, response) => {
    const raw = request.body;
    const form = parse(raw.toString());
    const status = await receive(request.originalUrl, raw, form, request.headers['x-twilio-signature']);
    response.status(status).type('text/xml; charset=utf-8').send(REPLY);
  });
  app.listen(port, '127.0.0.1');
});
