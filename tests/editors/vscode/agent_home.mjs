// A developer's machine in a folder: home, configuration and state of the agents of one test, and what they have captured.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class AgentHome {
  constructor(agent) {
    this.agent = agent;
    this.folder = mkdtempSync(join(tmpdir(), 'strop-vscode-'));
    this.project = this.at('project');
    for (const name of ['project', 'config/strop', 'state']) mkdirSync(this.at(name), { recursive: true });
    this.env = {
      ...process.env,
      HOME: this.folder,
      XDG_CONFIG_HOME: this.at('config'),
      XDG_STATE_HOME: this.at('state'),
    };
  }

  at(name) {
    return join(this.folder, name);
  }

  // Full capture of the project; no collector, so that all of it stays in the spool.
  configure(rest = '') {
    const text = `mode = "full"\n[privacy]\nworkspaces = ["${this.project}"]\n${rest}`;
    writeFileSync(this.at('config/strop/agent.toml'), text);
  }

  file(name, text) {
    writeFileSync(join(this.project, name), text);
  }

  run(...args) {
    return execFileSync(this.agent, args, { env: this.env, encoding: 'utf8', maxBuffer: 1 << 28 });
  }

  inspect() {
    return JSON.parse(this.run('inspect', '--json'));
  }

  // With names of suggestions that are unique among several agents.
  events() {
    const records = this.inspect().records.filter((record) => record.bytes !== '');
    return records.map(({ bytes, epoch }) => {
      const event = JSON.parse(bytes);
      return { ...event, suggestion: `${epoch}/${event.suggestion}` };
    });
  }

  // The events of the suggestions whose first candidate, as offered, is `text`.
  eventsAbout(text) {
    const events = this.events();
    const offers = events.filter((event) => event.type === 'offered' && event.candidates?.[0]?.text === text);
    const ids = new Set(offers.map((event) => event.suggestion));
    return events.filter((event) => ids.has(event.suggestion));
  }

  // What the agents that have ended wrote of themselves.
  sessions() {
    const log = readFileSync(this.at('state/strop/agent.log'), 'utf8');
    return log.split('\n').filter((line) => line.includes(' session {'));
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
