// What the user has set. Nothing here is of a workspace that the user does not trust.
import { type DocumentFilter, workspace } from 'vscode';

export interface ServerSetting {
  command: string[];
  languages: (string | DocumentFilter)[];
}

export interface Settings {
  agentPath: string;
  config: string;
  servers: ServerSetting[];
  inlineCompletions: boolean;
  // Of `servers`: what cannot be used, in words for the user.
  faults: string[];
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string' && one !== '');
}

function isSelector(value: unknown): value is (string | DocumentFilter)[] {
  const names = (one: unknown) => (typeof one === 'string' ? one !== '' : typeof one === 'object' && one !== null);
  return Array.isArray(value) && value.length > 0 && value.every(names);
}

export function readSettings(): Settings {
  const set = workspace.getConfiguration('strop');
  const settings: Settings = {
    agentPath: set.get('agentPath', '').trim(),
    config: set.get('config', '').trim(),
    servers: [],
    inlineCompletions: set.get('inlineCompletions', true),
    faults: [],
  };
  const servers = set.get<unknown>('servers', []);
  if (!Array.isArray(servers)) {
    settings.faults.push('strop.servers must be a list');
    return settings;
  }
  servers.forEach((server: { command?: unknown; languages?: unknown } | null, index) => {
    const at = `strop.servers[${index}]`;
    if (!isTexts(server?.command)) settings.faults.push(`${at}.command must be a list such as ["clangd"]`);
    else if (!isSelector(server.languages)) settings.faults.push(`${at}.languages must be a list such as ["cpp"]`);
    else settings.servers.push({ command: server.command, languages: server.languages });
  });
  return settings;
}
