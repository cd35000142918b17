// A model for one purpose: it knows whole lines, and completes one that has begun as one of them. Answers /v1/completions on loopback.
import { createServer } from 'node:http';

export class ModelServer {
  // `lines`: each {begin, rest}; a line that starts with `begin` and goes on as the two together gets what is left of them.
  constructor(lines) {
    this.lines = lines.map(({ begin, rest }) => ({ begin, whole: begin + rest }));
    this.asked = 0;
    this.server = createServer((request, answer) => this.answer(request, answer));
  }

  async start() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }

  completionOf(prompt) {
    const line = prompt.slice(prompt.lastIndexOf('\n') + 1).trimStart();
    const known = this.lines.find(({ begin, whole }) => line.startsWith(begin) && whole.startsWith(line));
    return known ? known.whole.slice(line.length) : '';
  }

  async answer(request, answer) {
    let body = '';
    for await (const piece of request) body += piece;
    const asked = request.method === 'POST' && request.url === '/v1/completions';
    const text = asked ? this.completionOf(JSON.parse(body).prompt) : '';
    this.asked += asked ? 1 : 0;
    answer.writeHead(asked ? 200 : 404, { 'content-type': 'application/json' });
    answer.end(JSON.stringify({ model: 'lines', choices: [{ index: 0, text }] }));
  }
}
