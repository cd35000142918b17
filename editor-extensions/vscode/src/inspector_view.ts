// What is captured, as a read-only document: what `strop-agent inspect --json` prints, laid out. Holds nothing of its own.
import { type Disposable, EventEmitter, languages, type TextDocumentContentProvider, Uri, window, workspace } from 'vscode';
import { runAgent } from './agent_program';

const SCHEME = 'strop-captured';
const PLACE = Uri.from({ scheme: SCHEME, path: '/what is captured.json' });

export class InspectorView implements TextDocumentContentProvider, Disposable {
  private readonly changed = new EventEmitter<Uri>();
  private readonly registration: Disposable;
  readonly onDidChange = this.changed.event;

  // `program`: where the agent is, asked for each time. It throws what the user is to be told.
  constructor(private readonly program: () => string) {
    this.registration = workspace.registerTextDocumentContentProvider(SCHEME, this);
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }

  async show(): Promise<void> {
    this.changed.fire(PLACE);
    const document = await workspace.openTextDocument(PLACE);
    await languages.setTextDocumentLanguage(document, 'json');
    await window.showTextDocument(document, { preview: false });
  }

  async provideTextDocumentContent(): Promise<string> {
    const said = await runAgent(this.program(), ['inspect', '--json']);
    if (said.code !== 0) throw new Error(said.err.trim() || `strop-agent inspect ended with code ${said.code}`);
    return laidOut(said.out);
  }
}

// A record's bytes are JSON text themselves: they are shown as what they say.
function laidOut(inspected: string): string {
  const kept = JSON.parse(inspected) as { records: { bytes: unknown }[] };
  for (const record of kept.records) {
    if (typeof record.bytes !== 'string' || record.bytes === '') continue;
    try {
      record.bytes = JSON.parse(record.bytes) as unknown;
    } catch {
      // Shown as it is.
    }
  }
  return JSON.stringify(kept, null, 2) + '\n';
}
