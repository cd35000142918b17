// A real VS Code for a person made of code: VS Code's server as code-server brings it, in a headless Chromium.
// `tools`: the folder where ./dev has put all that, except for Chromium, which is Debian's.
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const PATIENCE_MS = 60_000;
const KEY_MS = 60;
const CHROMIUM = '/usr/bin/chromium';

// Nothing that moves the ghost text, asks questions, or looks for a network.
const SETTINGS = {
  'workbench.startupEditor': 'none',
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'editor.inlineSuggest.enabled': true,
  'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
  'editor.suggestOnTriggerCharacters': false,
  'editor.wordBasedSuggestions': 'off',
  'editor.accessibilitySupport': 'off',
  'editor.autoClosingBrackets': 'never',
  'editor.autoClosingQuotes': 'never',
  'files.autoSave': 'off',
  'git.enabled': false,
  'chat.commandCenter.enabled': false,
  'chat.disableAIFeatures': true,
  'window.menuBarVisibility': 'hidden',
};

const serverMain = (tools) => join(tools, 'vscode/node_modules/code-server/lib/vscode/out/server-main.js');

export function requireTools(tools) {
  const needed = [serverMain(tools), join(tools, 'vscode/node_modules/code-server/lib/vscode/node_modules'),
                  join(tools, 'vscode/node_modules/playwright-core'), CHROMIUM];
  const missing = needed.filter((path) => !existsSync(path));
  if (missing.length > 0) throw new Error(`${missing.join(', ')}: not there; ./dev setup installs what this test needs`);
}

export class BrowserEditor {
  // `output`: a folder for screenshots and logs.
  constructor({ tools, home, vsix, settings, output }) {
    Object.assign(this, { tools, home, vsix, output });
    this.settings = settings;
    this.shots = 0;
    this.serverMain = serverMain(tools);
    this.folders = ['--user-data-dir', home.at('vscode'), '--extensions-dir', home.at('extensions')];
    this.settingsFile = join(home.project, '.vscode/settings.json');
    mkdirSync(output, { recursive: true });
  }

  async open() {
    for (const name of ['vscode/User', 'extensions', 'project/.vscode']) mkdirSync(this.home.at(name), { recursive: true });
    writeFileSync(this.home.at('vscode/User/settings.json'), JSON.stringify(SETTINGS));
    writeFileSync(this.settingsFile, JSON.stringify(this.settings));
    await this.installExtension();
    const port = await this.startServer();
    const { chromium } = createRequire(join(this.tools, 'vscode/package.json'))('playwright-core');
    this.browser = await chromium.launch({
      executablePath: CHROMIUM,
      headless: true,
      env: this.home.env,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
             '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
    });
    const context = await this.browser.newContext({ viewport: { width: 1200, height: 700 } });
    this.page = await context.newPage();
    this.page.setDefaultTimeout(PATIENCE_MS);
    const console = createWriteStream(join(this.output, 'console.log'));
    this.page.on('console', (message) => console.write(`${message.type()} ${message.text()}\n`));
    await this.page.goto(`http://127.0.0.1:${port}/?folder=${this.home.project}`);
    await this.page.waitForSelector('.monaco-workbench');
    await this.page.locator('#strop\\.strop\\.strop\\.status').waitFor();
  }

  async installExtension() {
    const args = [this.serverMain, ...this.folders, '--install-extension', this.vsix, '--force'];
    const installer = spawn(process.execPath, args, { env: this.home.env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [installer.stdout, installer.stderr]) stream.on('data', (text) => (said += text));
    const code = await new Promise((resolve) => installer.on('close', resolve));
    if (code !== 0) throw new Error(`installing ${this.vsix} ended with ${code}: ${said}`);
  }

  startServer() {
    const args = [this.serverMain, '--host', '127.0.0.1', '--port', '0', '--without-connection-token',
                  '--accept-server-license-terms', '--telemetry-level', 'off', ...this.folders];
    this.server = spawn(process.execPath, args, { env: this.home.env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const log = createWriteStream(join(this.output, 'server.log'));
    return new Promise((resolve, reject) => {
      let said = '';
      const read = (text) => {
        log.write(text);
        said += text;
        const port = /Extension host agent listening on (\d+)/.exec(said);
        if (port) resolve(Number(port[1]));
      };
      this.server.stdout.on('data', read);
      this.server.stderr.on('data', read);
      this.server.on('exit', (code) => reject(new Error(`VS Code's server ended with ${code}: ${said.slice(-2000)}`)));
    });
  }

  async close() {
    await this.browser?.close();
    if (!this.server || this.server.exitCode !== null || this.server.signalCode !== null) return;
    const ended = new Promise((resolve) => this.server.once('close', resolve));
    // The server's own group: itself, extension hosts, agents.
    process.kill(-this.server.pid, 'SIGTERM');
    const hard = setTimeout(() => process.kill(-this.server.pid, 'SIGKILL'), 10_000);
    await ended;
    clearTimeout(hard);
  }

  // ---- what a person does

  async openFile(name) {
    await this.page.getByRole('treeitem', { name }).first().dblclick();
    await this.page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
    await this.page.locator('.editor-group-container.active .view-lines').click();
    await this.press('Control+End');
  }

  async type(text) {
    await this.page.keyboard.type(text, { delay: KEY_MS });
  }

  async press(key) {
    await this.page.keyboard.press(key);
  }

  // A person reads what is offered before doing anything about it. Less than half a second displayed counts as not seen.
  async read() {
    await this.page.waitForTimeout(900);
  }

  async command(title) {
    await this.press('F1');
    const input = this.page.locator('.quick-input-widget input.input');
    await input.fill(`>${title}`);
    const exactly = this.page.getByText(title, { exact: true });
    await this.page.locator('.quick-input-list .monaco-list-row').filter({ has: exactly }).first().click();
  }

  async choose(label) {
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: label }).first().click();
  }

  async answer(text) {
    await this.page.locator('.quick-input-widget input.input').fill(text);
    await this.press('Enter');
  }

  // Saves the file at hand; its text has to be this.
  async saveAs(name, text) {
    await this.press('Control+S');
    const saved = () => readFileSync(join(this.home.project, name), 'utf8');
    await until(() => saved() === text, `${name} with ${JSON.stringify(text)}`, saved);
  }

  // Settings of the folder. The text goes to the disk, where nothing watches it; saving it in the editor, with a blank more, makes it known.
  async set(settings) {
    Object.assign(this.settings, settings);
    const text = JSON.stringify(this.settings);
    writeFileSync(this.settingsFile, text);
    await this.command('Preferences: Open Workspace Settings (JSON)');
    await this.page.locator('.tab.active[data-resource-name="settings.json"]').waitFor();
    await this.page.locator('.editor-group-container.active .view-lines').first().click();
    await this.press('Control+End');
    await this.type(' ');
    await this.press('Control+S');
    const saved = () => readFileSync(this.settingsFile, 'utf8');
    await until(() => saved() === `${text} `, 'the settings to be saved', saved);
    await this.command('View: Close Editor');
  }

  // ---- what a person sees

  ghost(text) {
    const seen = async () => (await this.page.locator('.ghost-text-decoration, .ghost-text').allTextContents()).join('');
    return until(async () => spaced(await seen()) === text, `the ghost text “${text}”`, seen);
  }

  noGhost() {
    const count = () => this.page.locator('.ghost-text-decoration, .ghost-text').count();
    return until(async () => (await count()) === 0, 'no ghost text', count);
  }

  status(text) {
    const item = this.page.locator('#strop\\.strop\\.strop\\.status');
    const seen = async () => spaced(await item.innerText()).trim();
    return until(async () => (await seen()) === text, `“${text}” in the status bar`, seen);
  }

  async statusTooltip() {
    return this.page.locator('#strop\\.strop\\.strop\\.status a').getAttribute('aria-label');
  }

  async clickStatus() {
    await this.page.locator('#strop\\.strop\\.strop\\.status a').click();
  }

  async notification(text) {
    await this.page.locator('.notification-toast', { hasText: text }).first().waitFor();
  }

  // Their texts.
  async notifications() {
    return this.page.locator('.notification-toast .notification-list-item-message').allTextContents();
  }

  async clearNotifications() {
    await this.command('Notifications: Clear All Notifications');
    await this.page.locator('.notification-toast').waitFor({ state: 'detached' });
  }

  // The row of that label in the list of suggestions, chosen.
  async suggested(label) {
    const row = this.page.locator('.suggest-widget.visible .monaco-list-row.focused', { hasText: label });
    await row.waitFor();
  }

  // A language server has read the file at hand and minds something in it.
  async diagnosed() {
    await this.page.locator('.editor-group-container.active .squiggly-error, .squiggly-warning').first().waitFor();
  }

  // A document of that name is at hand, and says this.
  async says(name, text) {
    await this.page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
    await this.page.locator('.editor-group-container.active .view-lines', { hasText: text }).first().waitFor();
  }

  async screenshot(name) {
    const number = String(++this.shots).padStart(2, '0');
    await this.page.screenshot({ path: join(this.output, `${number}-${name}.png`) });
  }
}

const spaced = (text) => text.replaceAll('\u00a0', ' ');

// Polls until it holds; `seen` says, in the error, what is there instead.
export async function until(holds, what, seen = () => '') {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}; there is: ${JSON.stringify(await seen())}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
