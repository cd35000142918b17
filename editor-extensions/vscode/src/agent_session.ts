// One strop-agent that runs: its process, its client, and what is said to it beyond LSP. Ends with stop().
import { type ChildProcess, spawn } from 'node:child_process';
import { type DocumentSelector, languages, type OutputChannel, type TextDocument } from 'vscode';
import {
  CloseAction,
  ErrorAction,
  type LanguageClientOptions,
  ResponseError,
  RevealOutputChannelOn,
  State,
} from 'vscode-languageclient/node';
import { AgentClient } from './agent_client';
import { type AgentStatus, METHOD_NOT_FOUND, OFF, type Rating, type SentItem, STATUS_TIMEOUT_MS } from './protocol';

const MAX_REMEMBERED_ITEMS = 64;
const MAX_REMEMBERED_STDERR = 4000;
const EXIT_WAIT_MS = 2000;
const USAGE_ERROR = 2;

export interface SessionPlan {
  id: string;
  name: string;
  program: string;
  args: string[];
  selector: DocumentSelector;
  folder: string | undefined;
  standalone: boolean;
}

export interface SessionEvents {
  // Whether this agent is the one to ask for inline completions in the document.
  gives(session: AgentSession, document: TextDocument): boolean;
  running(session: AgentSession): void;
  accepted(session: AgentSession, item: SentItem): void;
  // It ended and is not started again.
  ended(session: AgentSession, code: number | null, stderr: string): void;
}

export class AgentSession {
  readonly client: AgentClient;
  private process: ChildProcess | undefined;
  private exited: Promise<number | null> = Promise.resolve(null);
  private stderr = '';
  // Whether strop/… may be sent: undefined until the agent has answered, or not. One whose capture is off is asked nothing more.
  private speaks: boolean | undefined;
  private off: AgentStatus = OFF;
  private readonly items: SentItem[] = [];

  constructor(
    readonly plan: SessionPlan,
    private readonly events: SessionEvents,
    private readonly log: OutputChannel,
  ) {
    this.client = new AgentClient(plan.id, plan.name, () => this.startProcess(), this.options(), {
      gives: (document) => events.gives(this, document),
      offered: (items) => this.remember(items),
      shown: (item) => this.tell('strop/didShow', { item }),
      partlyAccepted: (item, acceptedLength) => this.tell('strop/didPartiallyAccept', { item, acceptedLength }),
      rejected: (item) => this.tell('strop/didReject', { item }),
    });
    this.client.onDidChangeState(({ newState }) => {
      this.speaks = undefined;
      if (newState === State.Running) events.running(this);
    });
  }

  // Faults are told through `ended`.
  async start(): Promise<void> {
    try {
      await this.client.start();
    } catch (error) {
      this.log.appendLine(`${this.plan.name}: ${String(error)}`);
    }
  }

  async stop(): Promise<void> {
    try {
      await this.client.dispose();
    } catch {
      // One that never started has nothing to stop.
    }
    const kill = setTimeout(() => this.process?.kill(), EXIT_WAIT_MS);
    let giveUp: NodeJS.Timeout | undefined;
    await Promise.race([this.exited, new Promise((resolve) => (giveUp = setTimeout(resolve, 2 * EXIT_WAIT_MS)))]);
    clearTimeout(kill);
    clearTimeout(giveUp);
  }

  get isRunning(): boolean {
    return this.client.isRunning();
  }

  serves(document: TextDocument): boolean {
    return languages.match(this.plan.selector, document) > 0;
  }

  get givesInlineCompletions(): boolean {
    const provider = this.client.initializeResult?.capabilities.inlineCompletionProvider;
    return this.isRunning && provider !== undefined && provider !== false;
  }

  // Undefined: it does not run, or could not answer this once.
  async status(uri: string | undefined): Promise<AgentStatus | undefined> {
    if (!this.isRunning) return undefined;
    if (this.speaks === false) return this.off;
    const params = uri === undefined ? {} : { uri };
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => (timer = setTimeout(resolve, STATUS_TIMEOUT_MS, 'late')));
    try {
      const answer = await Promise.race([this.client.sendRequest<AgentStatus>('strop/status', params), late]);
      if (answer === 'late') return this.silenced(OFF);
      if (answer.mode === 'off') return this.silenced(answer);
      this.speaks = true;
      return answer;
    } catch (error) {
      if (error instanceof ResponseError && error.code === METHOD_NOT_FOUND) return this.silenced(OFF);
      this.log.appendLine(`${this.plan.name}: strop/status: ${String(error)}`);
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  get isSpokenTo(): boolean {
    return this.isRunning && this.speaks === true;
  }

  // Rejects with the agent's words if it cannot.
  setPaused(paused: boolean): Promise<AgentStatus> {
    return this.client.sendRequest<AgentStatus>(paused ? 'strop/pause' : 'strop/resume', {});
  }

  rate(rating: Rating): void {
    this.tell('strop/rate', rating);
  }

  private silenced(off: AgentStatus): AgentStatus {
    this.speaks = false;
    this.off = off;
    return off;
  }

  private tell(method: string, params: object): void {
    if (!this.isSpokenTo) return;
    this.client.sendNotification(method, params).catch((error: unknown) => {
      this.log.appendLine(`${this.plan.name}: ${method}: ${String(error)}`);
    });
  }

  private remember(items: SentItem[]): void {
    this.items.push(...items);
    if (this.items.length > MAX_REMEMBERED_ITEMS) this.items.splice(0, this.items.length - MAX_REMEMBERED_ITEMS);
  }

  private noteAccept(command: string, args: unknown[]): void {
    const wanted = JSON.stringify(args);
    const isIt = (item: SentItem) =>
      item.command?.command === command && JSON.stringify(item.command.arguments ?? []) === wanted;
    const item = this.items.findLast(isIt);
    if (item !== undefined) this.events.accepted(this, item);
  }

  private options(): LanguageClientOptions {
    const restarts = { times: [] as number[] };
    return {
      documentSelector: this.plan.selector as NonNullable<LanguageClientOptions['documentSelector']>,
      outputChannelName: this.plan.name,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      middleware: {
        executeCommand: async (command, args, next) => {
          const result: unknown = await next(command, args);
          this.noteAccept(command, args);
          return result;
        },
      },
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: async () => {
          const code = await this.exited;
          if (code !== USAGE_ERROR && mayRestart(restarts.times)) return { action: CloseAction.Restart, handled: true };
          this.events.ended(this, code, this.stderr.trim());
          return { action: CloseAction.DoNotRestart, handled: true };
        },
      },
    };
  }

  private startProcess(): Promise<ChildProcess> {
    return new Promise((resolve, reject) => {
      this.stderr = '';
      const child = spawn(this.plan.program, this.plan.args, { cwd: this.plan.folder, stdio: 'pipe' });
      this.process = child;
      this.exited = new Promise((ended) => {
        child.once('close', (code) => ended(code));
        child.once('error', () => ended(null));
      });
      child.stderr.on('data', (text: Buffer) => {
        this.stderr = (this.stderr + text.toString()).slice(-MAX_REMEMBERED_STDERR);
      });
      child.once('spawn', () => resolve(child));
      child.once('error', (error) => {
        this.events.ended(this, null, error.message);
        reject(error);
      });
    });
  }
}

// As the client library has it: five ends within three minutes are too many.
function mayRestart(times: number[]): boolean {
  times.push(Date.now());
  if (times.length > 5) times.shift();
  return times.length < 5 || times[4]! - times[0]! > 3 * 60 * 1000;
}
