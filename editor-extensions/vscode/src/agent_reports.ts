// What the agent's own commands print, as read-only documents: what is captured, and what doctor says. Holds nothing of its own.
import { type Disposable, EventEmitter, languages, type TextDocumentContentProvider, Uri, window, workspace } from 'vscode';
import { runAgent } from './agent_program';

const SCHEME = 'strop-report';

export interface Report {
  title: string; // with an extension that names the language
  language: string;
  args: () => string[];
  mayFail: boolean; // what it prints is worth showing whatever its exit code
  layOut: (printed: string) => string;
}

export class AgentReports implements TextDocumentContentProvider, Disposable {
  private readonly changed = new EventEmitter<Uri>();
  private readonly registration: Disposable;
  private readonly shown = new Map<string, Report>();
  readonly onDidChange = this.changed.event;

  // `program`: where the agent is, asked for each time. It throws what the user is to be told.
  constructor(private readonly program: () => string) {
    this.registration = workspace.registerTextDocumentContentProvider(SCHEME, this);
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }

  async show(report: Report): Promise<void> {
    const place = Uri.from({ scheme: SCHEME, path: `/${report.title}` });
    this.shown.set(place.path, report);
    this.changed.fire(place);
    const document = await workspace.openTextDocument(place);
    await languages.setTextDocumentLanguage(document, report.language);
    await window.showTextDocument(document, { preview: false });
  }

  async provideTextDocumentContent(place: Uri): Promise<string> {
    const report = this.shown.get(place.path);
    // A window that comes back with the document open: its command shows it again.
    if (report === undefined) return '';
    const said = await runAgent(this.program(), report.args());
    if (said.code !== 0 && !report.mayFail) throw new Error(said.err.trim() || `strop-agent ended with code ${said.code}`);
    return report.layOut(said.out + said.err);
  }
}

export const CAPTURED: Report = {
  title: 'what is captured.json',
  language: 'json',
  args: () => ['inspect', '--json'],
  mayFail: false,
  // A record's bytes are JSON text themselves: they are shown as what they say.
  layOut: (printed) => {
    const kept = JSON.parse(printed) as { records: { bytes: unknown }[] };
    for (const record of kept.records) {
      if (typeof record.bytes !== 'string' || record.bytes === '') continue;
      try {
        record.bytes = JSON.parse(record.bytes) as unknown;
      } catch {
        // Shown as it is.
      }
    }
    return JSON.stringify(kept, null, 2) + '\n';
  },
};

export const doctorReport = (flags: () => string[]): Report => ({
  title: 'strop doctor.txt',
  language: 'plaintext',
  args: () => ['doctor', ...flags()],
  mayFail: true,
  layOut: (printed) => printed,
});
