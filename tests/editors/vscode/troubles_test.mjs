// What goes wrong is said, with what to do; and what is set right works without starting the editor again.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { AgentHome } from './agent_home.mjs';
import { BrowserEditor, requireTools } from './browser_editor.mjs';
import { ModelServer } from './model_server.mjs';
import { readOptions } from './options.mjs';
import { playIn } from './scenes.mjs';

const options = readOptions();
requireTools(options.tools);
const model = new ModelServer([]);
const provider = `[provider]\nurl = "${await model.start()}"\n`;
const home = new AgentHome(options.agent);
home.file('a.py', '# begins here\n');
const configuration = (name, text) => {
  writeFileSync(home.at(name), text);
  return home.at(name);
};
const editor = new BrowserEditor({
  ...options,
  home,
  settings: { 'strop.agentPath': '/nowhere/strop-agent' },
});

const scenes = {
  'an agent that is not there': async () => {
    await editor.openFile('a.py');
    await editor.notification('strop.agentPath is /nowhere/strop-agent, which is no program.');
    await editor.status('Strop: no agent');
    await editor.screenshot('no-agent');
    await editor.clearNotifications();
  },

  'neither a server nor a model': async () => {
    await editor.set({ 'strop.agentPath': '' });
    await editor.notification('name a server in strop.servers, or a model by [provider] in agent.toml');
    await editor.status('Strop: no agent');
    await editor.clearNotifications();
  },

  'a configuration that is wrong': async () => {
    await editor.set({ 'strop.config': configuration('wrong.toml', 'mode = "everything"\n') });
    await editor.notification('wrong.toml');
    await editor.screenshot('wrong-configuration');
    assert.match(await editor.statusTooltip(), /metrics-only/);
    await editor.clearNotifications();
  },

  'it is set right, and counts alone are captured': async () => {
    await editor.set({ 'strop.config': configuration('counts.toml', `mode = "metrics-only"\n${provider}`) });
    await editor.status('Strop: counts only');
    assert.match(await editor.statusTooltip(), /metrics_only/);
    assert.deepEqual(await editor.notifications(), []);
  },

  'a folder that has not consented': async () => {
    await editor.set({ 'strop.config': configuration('elsewhere.toml', `mode = "full"\n${provider}`) });
    await editor.status('Strop: counts only');
    assert.match(await editor.statusTooltip(), /no_consent/);
  },

  'capture is off': async () => {
    await editor.set({ 'strop.config': configuration('off.toml', `mode = "off"\n${provider}`) });
    await editor.status('Strop: off');
    await editor.clickStatus();
    await editor.notification('Capture is off by the configuration');
    await editor.clearNotifications();
  },

  'a server that is not there': async () => {
    await editor.set({ 'strop.servers': [{ command: ['no-such-server'], languages: ['python'] }] });
    await editor.notification('no-such-server');
    await editor.screenshot('no-server');
    await editor.clearNotifications();
  },

  'settings that cannot be used': async () => {
    await editor.set({ 'strop.servers': [{ command: 'clangd', languages: ['cpp'] }] });
    await editor.notification('strop.servers[0].command must be a list such as ["clangd"]');
    await editor.clearNotifications();
  },

  'nothing was accepted that could be rated': async () => {
    await editor.set({ 'strop.servers': [], 'strop.config': configuration('none.toml', `mode = "off"\n${provider}`) });
    await editor.status('Strop: off');
    await editor.command('Strop: Rate Last Suggestion');
    await editor.notification('No agent runs that captures anything.');
    await editor.clearNotifications();
  },

  'doctor says what is wired to what': async () => {
    await editor.command('Strop: Doctor');
    await editor.says('strop doctor.txt', 'none.toml');
    await editor.screenshot('doctor');
  },
};

process.exitCode = await playIn(editor, scenes, () => model.stop());
