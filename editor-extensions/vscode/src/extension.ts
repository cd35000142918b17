// Strop in VS Code: starts the agents, reports what only the editor knows, shows what they answer. Holds no policy; see PROTOCOL.md.
import { commands, type ExtensionContext, type OutputChannel, window, workspace } from 'vscode';
import type { AgentSession } from './agent_session';
import { configFlags, findAgent, runAgent } from './agent_program';
import { AgentReports, CAPTURED, doctorReport } from './agent_reports';
import { Agents } from './agents';
import { askRating } from './rating';
import { readSettings, type Settings } from './settings';
import { StatusItem } from './status_item';

// A pause may come from a terminal or another window.
const LOOK_AGAIN_MS = 10_000;
const USAGE_ERROR = 2;
// What the agent says where it has neither a server nor a [provider].
const NO_WORK = 'nothing to relay';

let extension: Extension | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
  extension = new Extension(context);
  await extension.restart();
}

export async function deactivate(): Promise<void> {
  await extension?.stop();
}

class Extension {
  private readonly log: OutputChannel = window.createOutputChannel('Strop');
  private readonly status = new StatusItem();
  private readonly reports = new AgentReports(() => this.program());
  private readonly agents: Agents;
  private settings: Settings = readSettings();
  private trouble: string | undefined;
  private looks = 0;
  private restarts: Promise<void> = Promise.resolve();

  constructor(private readonly context: ExtensionContext) {
    this.agents = new Agents(this.log, {
      changed: () => void this.look(),
      ended: (session, code, stderr) => this.tellEnd(session, code, stderr),
    });
    const timer = setInterval(() => window.state.focused && void this.look(), LOOK_AGAIN_MS);
    const told = (work: () => Promise<void>) => async () => {
      try {
        await work();
      } catch (error) {
        void window.showErrorMessage(`Strop: ${error instanceof Error ? error.message : String(error)}`);
      }
    };
    context.subscriptions.push(
      this.log,
      this.status,
      this.reports,
      this.agents,
      { dispose: () => clearInterval(timer) },
      window.onDidChangeActiveTextEditor(() => void this.look()),
      window.onDidChangeWindowState(() => void this.look()),
      workspace.onDidChangeConfiguration((change) => change.affectsConfiguration('strop') && void this.restart()),
      commands.registerCommand('strop.togglePause', told(() => this.togglePause())),
      commands.registerCommand('strop.pause', told(() => this.setPaused(true))),
      commands.registerCommand('strop.resume', told(() => this.setPaused(false))),
      commands.registerCommand('strop.rate', told(() => this.rate())),
      commands.registerCommand('strop.inspect', told(() => this.reports.show(CAPTURED))),
      commands.registerCommand('strop.doctor', told(() => this.reports.show(doctorReport(() => configFlags(this.settings.config))))),
    );
  }

  // One after another: settings may change again while agents still end.
  restart(): Promise<void> {
    const start = () => this.startAnew();
    this.restarts = this.restarts.then(start, start);
    return this.restarts;
  }

  stop(): Promise<void> {
    return this.agents.stop();
  }

  private async startAnew(): Promise<void> {
    await this.agents.stop();
    this.trouble = undefined;
    this.settings = readSettings();
    for (const fault of this.settings.faults) this.complain(fault);
    const found = findAgent(this.settings.agentPath, this.context.extensionPath);
    if ('fault' in found) this.complain(found.fault);
    else this.agents.start(this.settings, found.path);
    await this.look();
  }

  // Asks the agents and shows what they say; an older answer never replaces a newer one.
  private async look(): Promise<void> {
    const look = ++this.looks;
    const status = await this.agents.status(window.activeTextEditor?.document);
    if (look === this.looks) this.status.tell(status, this.trouble);
  }

  private program(): string {
    const found = findAgent(this.settings.agentPath, this.context.extensionPath);
    if ('fault' in found) throw new Error(found.fault);
    return found.path;
  }

  private async togglePause(): Promise<void> {
    const status = await this.agents.status(undefined);
    if (status?.mode === 'off')
      throw new Error('Capture is off by the configuration (mode in agent.toml): there is nothing to pause.');
    if (status === undefined && this.agents.running.length === 0) throw new Error(this.trouble ?? 'No strop-agent runs.');
    await this.setPaused(status?.paused !== true);
  }

  // For all agents of this user. Where none runs that can be told, the program's own command does the same.
  private async setPaused(paused: boolean): Promise<void> {
    const session = this.agents.running.find((one) => one.isSpokenTo);
    if (session) {
      await session.setPaused(paused);
    } else {
      const said = await runAgent(this.program(), [paused ? 'pause' : 'resume']);
      if (said.code !== 0) throw new Error(said.err.trim());
    }
    await this.look();
  }

  // Only an inline suggestion is known here by its text. Of other accepts the agents know more, but which agent is meant is
  // plain only where there is but one.
  private async rate(): Promise<void> {
    const last = this.agents.lastAccepted;
    const spoken = this.agents.running.filter((session) => session.isSpokenTo);
    const session = last?.session ?? (spoken.length === 1 ? spoken[0] : undefined);
    if (session === undefined || !session.isSpokenTo)
      throw new Error(
        spoken.length === 0
          ? 'No agent runs that captures anything.'
          : 'No inline suggestion was accepted yet; accept one, then rate it.',
      );
    const insertText = last?.item.insertText;
    const text = typeof insertText === 'string' ? insertText : (insertText?.value ?? 'the suggestion accepted last');
    const rating = await askRating(text);
    if (rating === undefined) return;
    session.rate(last ? { item: last.item, ...rating } : rating);
    window.setStatusBarMessage('$(check) Strop: rated', 3000);
  }

  private tellEnd(session: AgentSession, code: number | null, stderr: string): void {
    const { name, standalone } = session.plan;
    this.log.appendLine(`${name}: ended with ${code === null ? 'a signal' : `code ${code}`}. ${stderr}`);
    // The same configuration that starts the others and names no model is no mistake.
    const others = this.agents.running.length > 0 || this.settings.servers.length > 0;
    if (standalone && code === USAGE_ERROR && others && stderr.includes(NO_WORK)) return void this.look();
    const what = stderr.split('\n').slice(-5).join('\n') || `it ended with ${code === null ? 'a signal' : `code ${code}`}`;
    const todo =
      standalone && stderr.includes(NO_WORK)
        ? '. In VS Code: name a server in strop.servers, or a model by [provider] in agent.toml.'
        : '';
    this.complain(`${name.replace('Strop: ', '')}: ${what}${todo}`);
    void this.look();
  }

  private complain(what: string): void {
    this.trouble = what;
    this.log.appendLine(what);
    void window.showErrorMessage(`Strop: ${what}`, 'Open Settings', 'Doctor').then((chosen) => {
      if (chosen === 'Open Settings') void commands.executeCommand('workbench.action.openSettings', 'strop.');
      if (chosen === 'Doctor') void commands.executeCommand('strop.doctor');
    });
  }
}
