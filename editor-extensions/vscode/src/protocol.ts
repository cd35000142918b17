// The agent's own messages (PROTOCOL.md), the part in use.
import type { InlineCompletionItem } from 'vscode-languageclient/node';

export interface AgentStatus {
  mode: 'full' | 'metrics-only' | 'off';
  paused: boolean;
  capturing: 'full' | 'counts' | 'nothing';
  rule: string;
  provider: { name: string; url: string; model?: string; arm?: string } | null;
}

export const OFF: AgentStatus = { mode: 'off', paused: false, capturing: 'nothing', rule: 'off', provider: null };

// An item as the agent sent it: what names the suggestion.
export type SentItem = InlineCompletionItem;

export const DIMENSIONS = ['correctness', 'efficiency', 'readability', 'best_practices', 'security'] as const;
export type Dimension = (typeof DIMENSIONS)[number];
export type Grade = -1 | 0 | 1;

export interface Rating {
  item?: SentItem;
  dimensions?: Partial<Record<Dimension, Grade>>;
  reason?: string;
}

// How long an agent has to answer strop/status before it counts as one that captures nothing.
export const STATUS_TIMEOUT_MS = 2000;
export const METHOD_NOT_FOUND = -32601;
