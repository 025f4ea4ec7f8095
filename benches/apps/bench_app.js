// The same application for Node.js: `bench version=V started_us=N listening_us=N`. It takes START_MS to start, and
// tells a process manager that waits for it (`wait_ready` of pm2) when it listens.
'use strict';
const http = require('http');
const { performance } = require('perf_hooks');

// The origin is when the process began, so that the start of Node.js itself counts as the application's.
const startedUs = Math.round(performance.timeOrigin * 1000);
const version = process.env.VERSION || process.env.SHIPWAY_VERSION || '';

setTimeout(() => {
  let stamp = '';
  const server = http.createServer((request, response) => {
    let bytes = 0;
    request.on('data', (chunk) => { bytes += chunk.length; });
    request.on('end', () => response.end(`${stamp} bytes=${bytes}\n`));
  });
  server.listen(Number(process.env.PORT), '127.0.0.1', () => {
    const listeningUs = Math.round((performance.timeOrigin + performance.now()) * 1000);
    stamp = `bench version=${version} started_us=${startedUs} listening_us=${listeningUs}`;
    if (process.send) process.send('ready');
  });
  // Graceful, as pm2's documentation asks for.
  const stop = () => server.close(() => process.exit(0));
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}, Number(process.env.START_MS || 0));
