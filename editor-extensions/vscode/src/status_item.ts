// Strop in the status bar: what is captured of the file at hand, by which rule, and a click that pauses and resumes.
import { type Disposable, MarkdownString, StatusBarAlignment, type StatusBarItem, ThemeColor, window } from 'vscode';
import type { AgentStatus } from './protocol';

export class StatusItem implements Disposable {
  private readonly item: StatusBarItem;

  constructor() {
    this.item = window.createStatusBarItem('strop.status', StatusBarAlignment.Right, 90);
    this.item.name = 'Strop';
    this.item.command = 'strop.togglePause';
    this.show('$(circle-slash) Strop: no agent', 'No strop-agent runs.', false);
    this.item.show();
  }

  dispose(): void {
    this.item.dispose();
  }

  // Undefined: no agent runs.
  tell(status: AgentStatus | undefined, trouble: string | undefined): void {
    if (status === undefined) {
      this.show('$(circle-slash) Strop: no agent', trouble ?? 'No strop-agent runs.', trouble !== undefined);
      return;
    }
    const [label, what] = words(status);
    const lines = [what, `Rule: ${rule(status.rule)}`];
    if (status.provider) lines.push(`Completions: ${completer(status.provider)}`);
    if (trouble !== undefined) lines.push(trouble);
    if (status.mode !== 'off') lines.push(status.paused ? 'Click to resume.' : 'Click to pause.');
    this.show(label, lines.join('\n\n'), trouble !== undefined);
  }

  private show(label: string, tooltip: string, warn: boolean): void {
    this.item.text = label;
    this.item.tooltip = new MarkdownString().appendText(tooltip);
    this.item.accessibilityInformation = { label: label.replace(/\$\([^)]*\) /, '') + '. ' + tooltip };
    this.item.backgroundColor = warn ? new ThemeColor('statusBarItem.warningBackground') : undefined;
  }
}

function completer({ name, model, url, arm }: NonNullable<AgentStatus['provider']>): string {
  return [name, model, url].filter((part) => part !== undefined).join(', ') + (arm !== undefined ? ` (arm ${arm})` : '');
}

function words(status: AgentStatus): [string, string] {
  if (status.paused) return ['$(debug-pause) Strop: paused', 'Nothing is captured or completed, by any agent of yours, until you resume.'];
  if (status.mode === 'off') return ['$(eye-closed) Strop: off', 'Nothing is captured: the configuration says so.'];
  switch (status.capturing) {
    case 'full':
      return ['$(eye) Strop: full', 'What becomes of completions in this file is captured, with texts.'];
    case 'counts':
      return ['$(eye) Strop: counts only', 'Of completions in this file only counts and lengths are captured, no text.'];
    default:
      return ['$(eye-closed) Strop: not this file', 'Nothing is captured of this file.'];
  }
}

function rule(name: string): string {
  switch (name) {
    case 'metrics_only':
      return 'mode is metrics-only (metrics_only)';
    case 'no_consent':
      return 'this folder is not among privacy.workspaces (no_consent)';
    default:
      return name;
  }
}
