// The program strop-agent: where it is, and its commands that are no part of a session.
import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

const MAX_OUTPUT = 64 * 1024 * 1024;

export function atHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

// In the order of PROTOCOL.md. A path that was set and is wrong is not replaced by another agent.
export function findAgent(set: string, extensionFolder: string): { path: string } | { fault: string } {
  if (set !== '') {
    const path = atHome(set);
    return isProgram(path) ? { path } : { fault: `strop.agentPath is ${path}, which is no program.` };
  }
  const beside = join(extensionFolder, 'bin', 'strop-agent');
  const places = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = [beside, ...places.map((folder) => join(folder, 'strop-agent'))].find(isProgram);
  if (found !== undefined) return { path: found };
  return { fault: 'strop-agent is neither beside the extension nor on PATH. Install it, or name it in strop.agentPath.' };
}

export function configFlags(config: string): string[] {
  return config === '' ? [] : ['--config', atHome(config)];
}

export interface Said {
  code: number;
  out: string;
  err: string;
}

// One of the agent's own commands, to its end. Rejects if it cannot be run at all.
export function runAgent(path: string, args: string[]): Promise<Said> {
  return new Promise((resolve, reject) => {
    execFile(path, args, { maxBuffer: MAX_OUTPUT }, (error, out, err) => {
      if (error === null) resolve({ code: 0, out, err });
      else if (typeof error.code === 'number') resolve({ code: error.code, out, err });
      else reject(error);
    });
  });
}
