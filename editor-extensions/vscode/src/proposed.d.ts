// What of VS Code's proposed API `inlineCompletionsAdditions` is used, in the shapes that it has had since 1.91. Where the proposal
// is not switched on the editor calls none of it.
declare module 'vscode' {
  interface InlineCompletionItemProvider {
    handleDidShowCompletionItem?(item: InlineCompletionItem, updatedInsertText: string): void;
    // Called with a length, and again with what replaced that form of it.
    handleDidPartiallyAcceptCompletionItem?(item: InlineCompletionItem, accepted: number | { acceptedLength: number }): void;
    // Until 1.100; from then on the next one, for some time both.
    handleDidRejectCompletionItem?(item: InlineCompletionItem): void;
    handleEndOfLifetime?(item: InlineCompletionItem, reason: { kind: number }): void;
  }
}
export {};
