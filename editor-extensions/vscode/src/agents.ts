// Every agent that the settings ask for, and which of them is meant when one is.
import { type Disposable, type OutputChannel, type TextDocument, workspace } from 'vscode';
import { AgentSession, type SessionEvents, type SessionPlan } from './agent_session';
import { configFlags } from './agent_program';
import type { AgentStatus, SentItem } from './protocol';
import type { Settings } from './settings';

export interface Accepted {
  session: AgentSession;
  item: SentItem;
}

export interface AgentsEvents {
  changed(): void;
  ended(session: AgentSession, code: number | null, stderr: string): void;
}

export class Agents implements Disposable {
  private sessions: AgentSession[] = [];
  private accepted: Accepted | undefined;

  constructor(
    private readonly log: OutputChannel,
    private readonly events: AgentsEvents,
  ) {}

  start(settings: Settings, program: string): void {
    const heard: SessionEvents = {
      gives: (session, document) => this.ownerOf(document) === session,
      running: (session) => {
        void session.status(undefined).then(() => this.events.changed());
      },
      accepted: (session, item) => (this.accepted = { session, item }),
      ended: (session, code, stderr) => this.sessions.includes(session) && this.events.ended(session, code, stderr),
    };
    this.sessions = plans(settings, program).map((plan) => new AgentSession(plan, heard, this.log));
    for (const session of this.sessions) void session.start();
  }

  async stop(): Promise<void> {
    const sessions = this.sessions;
    this.sessions = [];
    this.accepted = undefined;
    await Promise.all(sessions.map((session) => session.stop()));
  }

  dispose(): void {
    void this.stop();
  }

  get running(): AgentSession[] {
    return this.sessions.filter((session) => session.isRunning);
  }

  get lastAccepted(): Accepted | undefined {
    return this.accepted?.session.isRunning ? this.accepted : undefined;
  }

  // Two agents that complete the same line would ask the model twice, and one's text would be taken for the other's.
  private ownerOf(document: TextDocument): AgentSession | undefined {
    const able = this.sessions.filter((session) => session.givesInlineCompletions && session.serves(document));
    return able.find((session) => !session.plan.standalone) ?? able[0];
  }

  // What holds for the document, told by the agent that serves it. Undefined: no agent runs, or none could tell.
  async status(document: TextDocument | undefined): Promise<AgentStatus | undefined> {
    const uri = document?.uri.scheme === 'file' ? document.uri.toString() : undefined;
    const serving = (session: AgentSession) => (document !== undefined && session.serves(document) ? 0 : 1);
    const order = this.running.sort((a, b) => serving(a) - serving(b));
    let off: AgentStatus | undefined;
    for (const session of order) {
      const status = await session.status(uri);
      if (status !== undefined && status.mode !== 'off') return status;
      off ??= status;
    }
    return off;
  }
}

function plans(settings: Settings, program: string): SessionPlan[] {
  const folder = workspace.workspaceFolders?.find((one) => one.uri.scheme === 'file')?.uri.fsPath;
  const flags = configFlags(settings.config);
  const all: SessionPlan[] = settings.servers.map(({ command, languages }, index) => ({
    id: `strop.server.${index}`,
    name: `Strop: ${command[0]!.split('/').pop()!}`,
    program,
    args: [...flags, '--', ...command],
    selector: languages.map((one) => ({ scheme: 'file', ...(typeof one === 'string' ? { language: one } : one) })),
    folder,
    standalone: false,
  }));
  if (settings.inlineCompletions)
    all.push({
      id: 'strop.completions',
      name: 'Strop: completions',
      program,
      args: flags,
      selector: [{ scheme: 'file' }],
      folder,
      standalone: true,
    });
  return all;
}
