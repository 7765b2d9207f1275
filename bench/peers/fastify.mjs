// Fastify + pg.
import { parse } from 'node:querystring';
import Fastify from 'fastify';
import { receive, REPLY } from './callback.mjs';
import { serve } from './workers.mjs';

serve((port) => {
  const app = Fastify({ logger: false });
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'buffer' }, (_, body, done) => done(null, body));
  app.get('/healthz', async () => 'ok');
  app.post('/hooks/twilio/:gateway', async (request, reply) => {
    const raw = request.body;
    const status = await receive(request.url, raw, parse(raw.toString()), request.headers['x-twilio-signature']);
    return reply.code(status).type('text/xml; charset=utf-8').send(REPLY);
  });
  app.listen({ port, host: '127.0.0.1' });
});
