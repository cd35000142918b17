// Asks how good the suggestion accepted last was: five dimensions, then a reason in the user's words.
import { type QuickPickItem, window } from 'vscode';
import { DIMENSIONS, type Dimension, type Grade, type Rating } from './protocol';

const MAX_SHOWN = 60;

interface Choice extends QuickPickItem {
  grade: Grade | undefined;
}

const QUESTIONS: Record<Dimension, string> = {
  correctness: 'Is it correct?',
  efficiency: 'Is it efficient?',
  readability: 'Is it readable?',
  best_practices: 'Does it follow best practices?',
  security: 'Is it secure?',
};

const CHOICES: Choice[] = [
  { label: '$(thumbsup) Good', description: '+1', grade: 1 },
  { label: '$(dash) Neither', description: '0', grade: 0 },
  { label: '$(thumbsdown) Bad', description: '−1', grade: -1 },
  { label: '$(debug-step-over) No opinion', description: 'left out', grade: undefined },
];

function inShort(text: string): string {
  const line = text.trim().split('\n')[0]!;
  return line.length > MAX_SHOWN || line !== text.trim() ? `${line.slice(0, MAX_SHOWN)}…` : line;
}

// Undefined: the user left it, or has nothing to say. `text`: of what is rated.
export async function askRating(text: string): Promise<Rating | undefined> {
  const dimensions: Partial<Record<Dimension, Grade>> = {};
  for (const [index, dimension] of DIMENSIONS.entries()) {
    const choice = await window.showQuickPick(CHOICES, {
      title: `Rate “${inShort(text)}” (${index + 1}/${DIMENSIONS.length})`,
      placeHolder: QUESTIONS[dimension],
    });
    if (choice === undefined) return undefined;
    if (choice.grade !== undefined) dimensions[dimension] = choice.grade;
  }
  const reason = await window.showInputBox({
    title: `Rate “${inShort(text)}”`,
    placeHolder: 'Why? Enter alone if there is nothing to add.',
  });
  if (reason === undefined || (reason === '' && Object.keys(dimensions).length === 0)) return undefined;
  return { dimensions, ...(reason === '' ? {} : { reason }) };
}
