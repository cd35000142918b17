// The client library's client, with two of its features replaced: inline completion, which has to report what became of an item, and
// the registering of commands, which must not fail where another client of the same server has registered them already.
import {
  type DynamicFeature,
  type ExecuteCommandOptions,
  ExecuteCommandRequest,
  InlineCompletionRequest,
  LanguageClient,
  type LanguageClientOptions,
  type RegistrationData,
  type ServerOptions,
  type StaticFeature,
} from 'vscode-languageclient/node';
import { InlineFeature, type ItemReports } from './inline_feature';

export class AgentClient extends LanguageClient {
  constructor(
    id: string,
    name: string,
    server: ServerOptions,
    options: LanguageClientOptions,
    private readonly reports: ItemReports,
  ) {
    super(id, name, server, options);
  }

  // What goes wrong is told by the session, which knows what to do about it; here it is only logged.
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }

  // Called while the base class is under construction, when no field of this one is set.
  override registerFeature(feature: StaticFeature | DynamicFeature<unknown>): void {
    const method = 'registrationType' in feature ? feature.registrationType.method : undefined;
    if (method === InlineCompletionRequest.method) super.registerFeature(new InlineFeature(this, () => this.reports));
    else if (method === ExecuteCommandRequest.method) super.registerFeature(withoutClashes(feature as Commands, this));
    else super.registerFeature(feature);
  }
}

type Commands = DynamicFeature<ExecuteCommandOptions>;

// Commands are the whole editor's. One that is taken is left to whoever has it; the others are registered all the same.
function withoutClashes(feature: Commands, client: LanguageClient): Commands {
  const register = feature.register.bind(feature);
  const unregister = feature.unregister.bind(feature);
  const counts = new Map<string, number>();
  feature.register = ({ id, registerOptions }: RegistrationData<ExecuteCommandOptions>) => {
    counts.set(id, registerOptions.commands.length);
    registerOptions.commands.forEach((command, index) => {
      try {
        register({ id: `${id}#${index}`, registerOptions: { commands: [command] } });
      } catch {
        client.warn(`The command ${command} is registered by another extension or server, which keeps it.`);
      }
    });
  };
  feature.unregister = (id: string) => {
    for (let index = 0; index < (counts.get(id) ?? 0); ++index) unregister(`${id}#${index}`);
    counts.delete(id);
  };
  return feature;
}
