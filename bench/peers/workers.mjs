// Runs a server in as many processes as WORKERS says; all listen on one port.
import cluster from 'node:cluster';

export function serve(start) {
  const workers = Number(process.env.WORKERS ?? 1);
  if (workers > 1 && cluster.isPrimary) {
    for (let n = 0; n < workers; n++) cluster.fork();
    process.on('SIGTERM', () => process.exit(0));
  } else {
    start(Number(process.env.PORT));
  }
}
