// Inline completions of one agent. Beside what the client library's own feature does it remembers each item as it was sent, and
// reports what the editor did with it. What is shown, taken in part and dismissed is known by the proposed API alone: without it nothing
// is said of these, and the agent concludes what the texts tell.
import { type Disposable, InlineCompletionItem, type InlineCompletionItemProvider, languages, type TextDocument } from 'vscode';
import {
  type ClientCapabilities,
  type DocumentSelector,
  ensure,
  type FeatureClient,
  type InlineCompletionOptions,
  type InlineCompletionRegistrationOptions,
  InlineCompletionRequest,
  type Middleware,
  type ServerCapabilities,
  TextDocumentLanguageFeature,
} from 'vscode-languageclient/node';
import type { SentItem } from './protocol';

// Set where the extension is bundled (package.mjs).
declare const STROP_PROPOSED_API: boolean;

// VS Code's InlineCompletionEndOfLifeReasonKind.
const REJECTED = 1;

export interface ItemReports {
  // Whether this agent is the one to ask about the document.
  gives(document: TextDocument): boolean;
  offered(items: SentItem[]): void;
  shown(item: SentItem): void;
  partlyAccepted(item: SentItem, acceptedLength: number): void;
  rejected(item: SentItem): void;
}

export class InlineFeature extends TextDocumentLanguageFeature<
  boolean | InlineCompletionOptions,
  InlineCompletionRegistrationOptions,
  InlineCompletionItemProvider,
  Middleware
> {
  // `reports` is asked for late: the client registers its features before anything else of it exists.
  constructor(
    client: FeatureClient<Middleware>,
    private readonly reports: () => ItemReports,
  ) {
    super(client, InlineCompletionRequest.type);
  }

  override fillClientCapabilities(capabilities: ClientCapabilities): void {
    ensure(ensure(capabilities, 'textDocument')!, 'inlineCompletion')!.dynamicRegistration = true;
  }

  override initialize(capabilities: ServerCapabilities, documentSelector: DocumentSelector): void {
    const options = this.getRegistrationOptions(documentSelector, capabilities.inlineCompletionProvider);
    if (options) this.register({ id: 'strop-inline', registerOptions: options });
  }

  protected override registerLanguageProvider(
    options: InlineCompletionRegistrationOptions,
  ): [Disposable, InlineCompletionItemProvider] {
    const provider = this.provider();
    const selector = this._client.protocol2CodeConverter.asDocumentSelector(options.documentSelector ?? []);
    return [languages.registerInlineCompletionItemProvider(selector, provider), provider];
  }

  private provider(): InlineCompletionItemProvider {
    const sent = new WeakMap<InlineCompletionItem, SentItem>();
    const dismissed = new WeakSet<InlineCompletionItem>();
    const client = this._client;
    const tell = (item: InlineCompletionItem, report: (reports: ItemReports, sent: SentItem) => void) => {
      const original = sent.get(item);
      if (original !== undefined) report(this.reports(), original);
    };
    const reject = (item: InlineCompletionItem) => {
      if (dismissed.has(item)) return;
      dismissed.add(item);
      tell(item, (reports, original) => reports.rejected(original));
    };
    const told: Partial<InlineCompletionItemProvider> = {
      handleDidShowCompletionItem: (item) => tell(item, (reports, original) => reports.shown(original)),
      handleDidPartiallyAcceptCompletionItem: (item, accepted) => {
        const length = typeof accepted === 'number' ? accepted : accepted.acceptedLength;
        tell(item, (reports, original) => reports.partlyAccepted(original, length));
      },
      handleDidRejectCompletionItem: reject,
      handleEndOfLifetime: (item, reason) => {
        if (reason.kind === REJECTED) reject(item);
      },
    };
    return {
      provideInlineCompletionItems: async (document, position, context, token) => {
        if (!this.reports().gives(document)) return undefined;
        const params = client.code2ProtocolConverter.asInlineCompletionParams(document, position, context);
        try {
          const answer = await client.sendRequest(InlineCompletionRequest.type, params, token);
          if (answer === null || token.isCancellationRequested) return undefined;
          const items = Array.isArray(answer) ? answer : answer.items;
          this.reports().offered(items);
          return items.map((item) => {
            const shown = client.protocol2CodeConverter.asInlineCompletionItem(item);
            sent.set(shown, item);
            return shown;
          });
        } catch (error) {
          return client.handleFailedRequest(InlineCompletionRequest.type, token, error, undefined);
        }
      },
      ...(STROP_PROPOSED_API ? told : {}),
    };
  }
}

