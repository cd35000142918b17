// What every test here is told on its command line.
import { parseArgs } from 'node:util';

export function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      agent: { type: 'string' }, // the program, for what is asked of it beside the editor
      vsix: { type: 'string' }, // the extension under test, with an agent of its own
      tools: { type: 'string' }, // where ./dev has put code-server, playwright-core, pyright
      output: { type: 'string' }, // for screenshots and logs
    },
  });
  const missing = ['agent', 'vsix', 'tools', 'output'].filter((name) => values[name] === undefined);
  if (missing.length > 0) throw new Error(`missing: ${missing.map((name) => `--${name}`).join(' ')}`);
  return { ...values, variant: positionals[0] };
}
