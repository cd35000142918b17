// A completion server as tabby-agent 1.5.0 asks it, with one answer for everything.
//   node tabby_backend.mjs FILE    writes the port it listens on (loopback) to FILE
import { createServer } from 'node:http';
import { renameSync, writeFileSync } from 'node:fs';

const answers = {
  '/v1/health': { model: 'test', device: 'cpu', arch: 'x86_64', cpu_info: 'x', cpu_count: 1, cuda_devices: [],
    version: { build_date: '2026-01-01', build_timestamp: '2026-01-01T00:00:00Z', git_sha: '0', git_describe: 'v0.12.0' } },
  '/v1beta/server_setting': { disable_client_side_telemetry: false },
  '/v1/completions': { id: 'cmpl-1', choices: [{ index: 0, text: 'return fib(n - 1) + fib(n - 2)' }] },
};

const server = createServer((request, response) => {
  request.resume().on('end', () => {
    const answer = answers[new URL(request.url, 'http://localhost').pathname];
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? {}));
  });
});
server.listen(0, '127.0.0.1', () => {
  writeFileSync(process.argv[2] + '.new', String(server.address().port));
  renameSync(process.argv[2] + '.new', process.argv[2]);
});
