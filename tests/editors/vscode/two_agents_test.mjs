// Several agents in one editor: two relay the same real server, one is alone with the model. Nobody's commands clash, and each line is
// completed and captured by one of them.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { AgentHome } from './agent_home.mjs';
import { BrowserEditor, requireTools, until } from './browser_editor.mjs';
import { ModelServer } from './model_server.mjs';
import { readOptions } from './options.mjs';
import { playIn } from './scenes.mjs';

const LINES = [
  { begin: 'total = ', rest: 'widget.display_order + 1' },
  { begin: 'Dear ', rest: 'colleagues of the sharpening department' },
];
const WIDGET = `class Widget:
    display_order = 2

    def compute_area(self):
        return 3


widget = Widget()
nobody_knows_this
`;

const options = readOptions();
requireTools(options.tools);
const pyright = [join(options.tools, 'node/node_modules/.bin/pyright-langserver'), '--stdio'];
const model = new ModelServer(LINES);
const home = new AgentHome(options.agent);
home.configure(`[provider]\nurl = "${await model.start()}"\ndebounce_ms = 0\n`);
home.file('shapes.py', WIDGET);
home.file('letter.txt', 'A letter\n');
const editor = new BrowserEditor({
  ...options,
  home,
  settings: {
    'strop.servers': [
      { command: pyright, languages: ['python'] },
      { command: pyright, languages: [{ scheme: 'file', language: 'toml' }] },
    ],
  },
});

function offers(text) {
  return home.eventsAbout(text).filter((event) => event.type === 'offered');
}

async function accepted(text, source) {
  const found = () =>
    home.events().find((event) => event.type === 'outcome' && event.source === source && event.text?.startsWith(text));
  await until(found, `an outcome of “${text}”`, () => home.events().filter((event) => event.type === 'outcome'));
  return found();
}

const scenes = {
  'a server behind the agent completes, and what is chosen of its list is captured': async () => {
    await editor.openFile('shapes.py');
    await editor.status('Strop: full');
    await editor.diagnosed();
    await editor.type('widget.comp');
    await editor.press('Control+Space');
    await editor.suggested('compute_area');
    await editor.screenshot('pyright-list');
    await editor.press('Enter');
    await editor.press('Enter');
    const { outcome, server } = await accepted('compute_area', 'popup');
    assert.equal(outcome, 'accepted');
    assert.match(server, /pyright/);
  },

  'beside that server its own agent offers the model\'s completions, once': async () => {
    const { begin, rest } = LINES[0];
    await editor.openFile('shapes.py');
    await editor.type(begin);
    await editor.ghost(rest);
    await editor.screenshot('beside-pyright');
    await editor.press('Tab');
    await editor.saveAs('shapes.py', `${WIDGET}widget.compute_area\n${begin}${rest}`);
    const { outcome, evidence } = await accepted(rest, 'inline');
    assert.deepEqual({ outcome, evidence }, { outcome: 'accepted', evidence: 'command' });
    assert.equal(offers(rest).length, 1, JSON.stringify(offers(rest), null, 1));
  },

  'where no server is, the agent that is alone offers them': async () => {
    const { begin, rest } = LINES[1];
    await editor.openFile('letter.txt');
    await editor.type(begin);
    await editor.ghost(rest);
    await editor.screenshot('alone');
    await editor.press('Tab');
    await editor.saveAs('letter.txt', `A letter\n${begin}${rest}`);
    const { outcome, evidence } = await accepted(rest, 'inline');
    assert.deepEqual({ outcome, evidence }, { outcome: 'accepted', evidence: 'command' });
    assert.equal(offers(rest).length, 1, JSON.stringify(offers(rest), null, 1));
  },

  'the last of them is rated': async () => {
    await editor.command('Strop: Rate Last Suggestion');
    for (const label of ['Bad', 'No opinion', 'No opinion', 'No opinion', 'No opinion']) await editor.choose(label);
    await editor.answer('');
    const rated = () => home.events().find((event) => event.type === 'rated');
    await until(rated, 'a rating');
    assert.equal(rated().suggestion, offers(LINES[1].rest)[0].suggestion);
    assert.deepEqual(rated().dimensions, { correctness: -1 });
  },

  'nobody complains': async () => {
    assert.deepEqual(await editor.notifications(), []);
    assert.equal(home.sessions().length, 0, 'an agent has ended');
  },
};

process.exitCode = await playIn(editor, scenes, () => model.stop());
