// What a person does with a completion in VS Code is captured as what it was. Played with the proposed API and without it.
//   node labels_test.mjs proposed|stable --agent PROGRAM --vsix FILE --tools FOLDER --output FOLDER
import assert from 'node:assert/strict';
import { AgentHome } from './agent_home.mjs';
import { BrowserEditor, requireTools, until } from './browser_editor.mjs';
import { ModelServer } from './model_server.mjs';
import { readOptions } from './options.mjs';
import { playIn } from './scenes.mjs';

const options = readOptions();
const proposed = options.variant === 'proposed';

const LINES = {
  tab: { begin: 'alpha = ', rest: 'measure(alpha_values, 10)' },
  escape: { begin: 'beta = ', rest: 'measure(beta_values, 20)' },
  partial: { begin: 'gamma = ', rest: 'first + second + third' },
  over: { begin: 'delta = ', rest: 'measure(delta_values, 40)' },
  paused: { begin: 'epsilon = ', rest: 'measure(epsilon_values, 50)' },
  resumed: { begin: 'zeta = ', rest: 'measure(zeta_values, 60)' },
};

requireTools(options.tools);
const model = new ModelServer(Object.values(LINES));
const home = new AgentHome(options.agent);
home.configure(`[provider]\nurl = "${await model.start()}"\ndebounce_ms = 0\n`);
for (const name of Object.keys(LINES)) home.file(`${name}.py`, '# begins here\n');
const editor = new BrowserEditor({ ...options, home, settings: {} });

async function begin(name) {
  await editor.openFile(`${name}.py`);
  await editor.type(LINES[name].begin);
  await editor.ghost(LINES[name].rest);
  await editor.read();
  await editor.screenshot(`${name}-offered`);
}

// The one verdict on the suggestion of that text, once it is there.
async function outcome(text) {
  const outcomes = () => home.eventsAbout(text).filter((event) => event.type === 'outcome');
  await until(() => outcomes().length > 0, `an outcome of “${text}”`, () => home.eventsAbout(text));
  assert.equal(outcomes().length, 1, JSON.stringify(home.eventsAbout(text), null, 1));
  return outcomes()[0];
}

function presence(text) {
  return home.eventsAbout(text).filter((event) => event.type === 'shown').map((event) => event.presence);
}

const scenes = {
  'the status bar says what is captured': async () => {
    await editor.openFile('tab.py');
    await editor.status('Strop: full');
    assert.match(await editor.statusTooltip(), new RegExp(`consent:${home.project}`));
  },

  'Tab accepts': async () => {
    const { rest } = LINES.tab;
    await begin('tab');
    await editor.press('Tab');
    await editor.saveAs('tab.py', `# begins here\nalpha = ${rest}`);
    const { outcome: what, evidence, text } = await outcome(rest);
    assert.deepEqual({ what, evidence, text }, { what: 'accepted', evidence: 'command', text: rest });
    assert.ok(presence(rest).includes(proposed ? 'rendered' : 'presumed'));
  },

  'Escape dismisses': async () => {
    const { rest } = LINES.escape;
    await begin('escape');
    await editor.press('Escape');
    await editor.noGhost();
    await editor.saveAs('escape.py', '# begins here\nbeta = ');
    await editor.command('View: Close Editor');
    const { outcome: what, how } = await outcome(rest);
    // Without the proposed API nobody says that it was dismissed, and it must not be guessed.
    const expected = proposed ? { what: 'dismissed', how: 'explicit' } : { what: 'ignored', how: 'closed' };
    assert.deepEqual({ what, how }, expected);
  },

  'a word taken with Ctrl+Right is a partial accept': async () => {
    const { rest } = LINES.partial;
    await begin('partial');
    await editor.press('Control+ArrowRight');
    await editor.ghost(rest.slice('first'.length));
    await editor.screenshot('partial-taken');
    await editor.read();
    await editor.press('Escape');
    await editor.noGhost();
    await editor.saveAs('partial.py', '# begins here\ngamma = first');
    await editor.command('View: Close Editor');
    const { outcome: what, evidence, accepted_chars: chars } = await outcome(rest);
    assert.deepEqual({ what, chars }, { what: 'partial', chars: 'first'.length });
    assert.equal(evidence, proposed ? 'editor' : 'state');
  },

  'typing over dismisses': async () => {
    const { rest } = LINES.over;
    await begin('over');
    await editor.type('no, something else');
    await editor.saveAs('over.py', '# begins here\ndelta = no, something else');
    const { outcome: what, how, evidence } = await outcome(rest);
    assert.deepEqual({ what, how, evidence }, { what: 'dismissed', how: 'typed_over', evidence: 'state' });
  },

  'the suggestion accepted last is rated': async () => {
    const accepted = await outcome(LINES.tab.rest);
    await editor.command('Strop: Rate Last Suggestion');
    for (const label of ['Good', 'Neither', 'Bad', 'No opinion', 'Good']) await editor.choose(label);
    await editor.screenshot('rate-reason');
    await editor.answer('slow for long lists');
    const rated = () => home.events().find((event) => event.type === 'rated');
    await until(rated, 'a rating');
    assert.equal(rated().suggestion, accepted.suggestion);
    assert.equal(rated().reason, 'slow for long lists');
    assert.deepEqual(rated().dimensions, { correctness: 1, efficiency: 0, readability: -1, security: 1 });
  },

  'nothing is captured while it is paused, and nothing asked of the model': async () => {
    await editor.openFile('paused.py');
    await editor.status('Strop: full');
    await editor.clickStatus();
    await editor.status('Strop: paused');
    await editor.screenshot('paused');
    const asked = model.asked;
    await editor.openFile('paused.py');
    await editor.type(LINES.paused.begin);
    await editor.read();
    await editor.noGhost();
    await editor.type('1');
    await editor.saveAs('paused.py', '# begins here\nepsilon = 1');
    assert.equal(model.asked, asked);
    await editor.command('Strop: Resume Capture');
    await editor.status('Strop: full');
    await begin('resumed');
    await editor.press('Tab');
    assert.equal((await outcome(LINES.resumed.rest)).outcome, 'accepted');
    assert.ok(!JSON.stringify(home.events()).includes('epsilon'), 'something of the pause was captured');
  },

  'what is captured is shown': async () => {
    await editor.command('Strop: Show What Is Captured');
    await editor.says('what is captured.json', '"captured":');
    await editor.screenshot('inspector');
  },
};

process.exitCode = await playIn(editor, scenes, () => model.stop());
