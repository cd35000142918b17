// Made by lsp/generate_types.py from metaModel.json 3.18.0 (SHA-256 35ebcc0b607eeda1…); not to be edited.
#include "lsp/types_generated.h"

#include "lsp/types_codec.h"

namespace strop::lsp {

using nlohmann::json;

template <>
struct Codec<ExecuteCommandClientCapabilities> {
  static int fit(const json& in) {
    return in.is_object() ? 0 : -1;
  }
  static bool read(const json& in, ExecuteCommandClientCapabilities& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "dynamicRegistration", value.dynamicRegistration, error);
  }
  static void write(json& out, const ExecuteCommandClientCapabilities& value) {
    out = json::object();
    write_optional(out, "dynamicRegistration", value.dynamicRegistration);
  }
};

template <>
struct Codec<WorkspaceClientCapabilities> {
  static int fit(const json& in) {
    return in.is_object() ? 0 : -1;
  }
  static bool read(const json& in, WorkspaceClientCapabilities& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "executeCommand", value.executeCommand, error);
  }
  static void write(json& out, const WorkspaceClientCapabilities& value) {
    out = json::object();
    write_optional(out, "executeCommand", value.executeCommand);
  }
};

template <>
struct Codec<ClientCompletionItemOptions> {
  static int fit(const json& in) {
    return in.is_object() ? 0 : -1;
  }
  static bool read(const json& in, ClientCompletionItemOptions& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "snippetSupport", value.snippetSupport, error) && read_optional(in, "insertReplaceSupport", value.insertReplaceSupport, error);
  }
  static void write(json& out, const ClientCompletionItemOptions& value) {
    out = json::object();
    write_optional(out, "snippetSupport", value.snippetSupport);
    write_optional(out, "insertReplaceSupport", value.insertReplaceSupport);
  }
};

template <>
struct Codec<CompletionListCapabilities> {
  static int fit(const json& in) {
    return in.is_object() ? 0 : -1;
  }
  static bool read(const json& in, CompletionListCapabilities& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "itemDefaults", value.itemDefaults, error);
  }
  static void write(json& out, const CompletionListCapabilities& value) {
    out = json::object();
    write_optional(out, "itemDefaults", value.itemDefaults);
  }
};

template <>
struct Codec<CompletionClientCapabilities> {
  static int fit(const json& in) {
    return in.is_object() ? 0 : -1;
  }
  static bool read(const json& in, CompletionClientCapabilities& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "dynamicRegistration", value.dynamicRegistration, error) && read_optional(in, "completionItem", value.completionItem, error) && read_optional(in, "completionList", value.completionList, error);
  }
  static void write(json& out, const CompletionClientCapabilities& value) {
    out = json::object();
    write_optional(out, "dynamicRegistration", value.dynamicRegistration);
    write_optional(out, "completionItem", value.completionItem);
    write_optional(out, "completionList", value.completionList);
  }
};

template <>
struct Codec<InlineCompletionClientCapabilities> {
  static int fit(const json& in) {
    return in.is_object() ? 0 : -1;
  }
  static bool read(const json& in, InlineCompletionClientCapabilities& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "dynamicRegistration", value.dynamicRegistration, error);
  }
  static void write(json& out, const InlineCompletionClientCapabilities& value) {
    out = json::object();
    write_optional(out, "dynamicRegistration", value.dynamicRegistration);
  }
};

template <>
struct Codec<TextDocumentClientCapabilities> {
  static int fit(const json& in) {
    return in.is_object() ? 0 : -1;
  }
  static bool read(const json& in, TextDocumentClientCapabilities& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "completion", value.completion, error) && read_optional(in, "inlineCompletion", value.inlineCompletion, error);
  }
  static void write(json& out, const TextDocumentClientCapabilities& value) {
    out = json::object();
    write_optional(out, "completion", value.completion);
    write_optional(out, "inlineCompletion", value.inlineCompletion);
  }
};

template <>
struct Codec<GeneralClientCapabilities> {
  static int fit(const json& in) {
    return in.is_object() ? 0 : -1;
  }
  static bool read(const json& in, GeneralClientCapabilities& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "positionEncodings", value.positionEncodings, error);
  }
  static void write(json& out, const GeneralClientCapabilities& value) {
    out = json::object();
    write_optional(out, "positionEncodings", value.positionEncodings);
  }
};

template <>
struct Codec<ClientCapabilities> {
  static int fit(const json& in) {
    return in.is_object() ? 0 : -1;
  }
  static bool read(const json& in, ClientCapabilities& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "workspace", value.workspace, error) && read_optional(in, "textDocument", value.textDocument, error) && read_optional(in, "general", value.general, error);
  }
  static void write(json& out, const ClientCapabilities& value) {
    out = json::object();
    write_optional(out, "workspace", value.workspace);
    write_optional(out, "textDocument", value.textDocument);
    write_optional(out, "general", value.general);
  }
};

template <>
struct Codec<ClientInfo> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "name") ? 1 : -1;
  }
  static bool read(const json& in, ClientInfo& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "name", value.name, error) && read_optional(in, "version", value.version, error);
  }
  static void write(json& out, const ClientInfo& value) {
    out = json::object();
    write_required(out, "name", value.name);
    write_optional(out, "version", value.version);
  }
};

template <>
struct Codec<WorkspaceFolder> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "uri") && has(in, "name") ? 2 : -1;
  }
  static bool read(const json& in, WorkspaceFolder& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "uri", value.uri, error) && read_required(in, "name", value.name, error);
  }
  static void write(json& out, const WorkspaceFolder& value) {
    out = json::object();
    write_required(out, "uri", value.uri);
    write_required(out, "name", value.name);
  }
};

template <>
struct Codec<InitializeParams> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "capabilities") ? 1 : -1;
  }
  static bool read(const json& in, InitializeParams& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "processId", value.processId, error) && read_optional(in, "clientInfo", value.clientInfo, error) && read_optional(in, "rootPath", value.rootPath, error) && read_optional(in, "rootUri", value.rootUri, error) && read_required(in, "capabilities", value.capabilities, error) && read_optional(in, "workspaceFolders", value.workspaceFolders, error);
  }
  static void write(json& out, const InitializeParams& value) {
    out = json::object();
    write_nullable(out, "processId", value.processId);
    write_optional(out, "clientInfo", value.clientInfo);
    write_optional(out, "rootPath", value.rootPath);
    write_nullable(out, "rootUri", value.rootUri);
    write_required(out, "capabilities", value.capabilities);
    write_optional(out, "workspaceFolders", value.workspaceFolders);
  }
};

template <>
struct Codec<ServerInfo> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "name") ? 1 : -1;
  }
  static bool read(const json& in, ServerInfo& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "name", value.name, error) && read_optional(in, "version", value.version, error);
  }
  static void write(json& out, const ServerInfo& value) {
    out = json::object();
    write_required(out, "name", value.name);
    write_optional(out, "version", value.version);
  }
};

template <>
struct Codec<SaveOptions> {
  static int fit(const json& in) {
    return in.is_object() ? 0 : -1;
  }
  static bool read(const json& in, SaveOptions& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "includeText", value.includeText, error);
  }
  static void write(json& out, const SaveOptions& value) {
    out = json::object();
    write_optional(out, "includeText", value.includeText);
  }
};

template <>
struct Codec<TextDocumentSyncOptions> {
  static int fit(const json& in) {
    return in.is_object() ? 0 : -1;
  }
  static bool read(const json& in, TextDocumentSyncOptions& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "openClose", value.openClose, error) && read_optional(in, "change", value.change, error) && read_optional(in, "willSave", value.willSave, error) && read_optional(in, "willSaveWaitUntil", value.willSaveWaitUntil, error) && read_optional(in, "save", value.save, error);
  }
  static void write(json& out, const TextDocumentSyncOptions& value) {
    out = json::object();
    write_optional(out, "openClose", value.openClose);
    write_optional(out, "change", value.change);
    write_optional(out, "willSave", value.willSave);
    write_optional(out, "willSaveWaitUntil", value.willSaveWaitUntil);
    write_optional(out, "save", value.save);
  }
};

template <>
struct Codec<CompletionOptions> {
  static int fit(const json& in) {
    return in.is_object() ? 0 : -1;
  }
  static bool read(const json& in, CompletionOptions& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "triggerCharacters", value.triggerCharacters, error) && read_optional(in, "allCommitCharacters", value.allCommitCharacters, error) && read_optional(in, "resolveProvider", value.resolveProvider, error);
  }
  static void write(json& out, const CompletionOptions& value) {
    out = json::object();
    write_optional(out, "triggerCharacters", value.triggerCharacters);
    write_optional(out, "allCommitCharacters", value.allCommitCharacters);
    write_optional(out, "resolveProvider", value.resolveProvider);
  }
};

template <>
struct Codec<InlineCompletionOptions> {
  static int fit(const json& in) {
    return in.is_object() ? 0 : -1;
  }
  static bool read(const json& in, InlineCompletionOptions& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "workDoneProgress", value.workDoneProgress, error);
  }
  static void write(json& out, const InlineCompletionOptions& value) {
    out = json::object();
    write_optional(out, "workDoneProgress", value.workDoneProgress);
  }
};

template <>
struct Codec<ExecuteCommandOptions> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "commands") ? 1 : -1;
  }
  static bool read(const json& in, ExecuteCommandOptions& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "commands", value.commands, error) && read_optional(in, "workDoneProgress", value.workDoneProgress, error);
  }
  static void write(json& out, const ExecuteCommandOptions& value) {
    out = json::object();
    write_required(out, "commands", value.commands);
    write_optional(out, "workDoneProgress", value.workDoneProgress);
  }
};

template <>
struct Codec<ServerCapabilities> {
  static int fit(const json& in) {
    return in.is_object() ? 0 : -1;
  }
  static bool read(const json& in, ServerCapabilities& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "positionEncoding", value.positionEncoding, error) && read_optional(in, "textDocumentSync", value.textDocumentSync, error) && read_optional(in, "completionProvider", value.completionProvider, error) && read_optional(in, "inlineCompletionProvider", value.inlineCompletionProvider, error) && read_optional(in, "executeCommandProvider", value.executeCommandProvider, error);
  }
  static void write(json& out, const ServerCapabilities& value) {
    out = json::object();
    write_optional(out, "positionEncoding", value.positionEncoding);
    write_optional(out, "textDocumentSync", value.textDocumentSync);
    write_optional(out, "completionProvider", value.completionProvider);
    write_optional(out, "inlineCompletionProvider", value.inlineCompletionProvider);
    write_optional(out, "executeCommandProvider", value.executeCommandProvider);
  }
};

template <>
struct Codec<InitializeResult> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "capabilities") ? 1 : -1;
  }
  static bool read(const json& in, InitializeResult& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "capabilities", value.capabilities, error) && read_optional(in, "serverInfo", value.serverInfo, error);
  }
  static void write(json& out, const InitializeResult& value) {
    out = json::object();
    write_required(out, "capabilities", value.capabilities);
    write_optional(out, "serverInfo", value.serverInfo);
  }
};

template <>
struct Codec<Registration> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "id") && has(in, "method") ? 2 : -1;
  }
  static bool read(const json& in, Registration& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "id", value.id, error) && read_required(in, "method", value.method, error) && read_optional(in, "registerOptions", value.registerOptions, error);
  }
  static void write(json& out, const Registration& value) {
    out = json::object();
    write_required(out, "id", value.id);
    write_required(out, "method", value.method);
    write_optional(out, "registerOptions", value.registerOptions);
  }
};

template <>
struct Codec<RegistrationParams> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "registrations") ? 1 : -1;
  }
  static bool read(const json& in, RegistrationParams& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "registrations", value.registrations, error);
  }
  static void write(json& out, const RegistrationParams& value) {
    out = json::object();
    write_required(out, "registrations", value.registrations);
  }
};

template <>
struct Codec<Unregistration> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "id") && has(in, "method") ? 2 : -1;
  }
  static bool read(const json& in, Unregistration& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "id", value.id, error) && read_required(in, "method", value.method, error);
  }
  static void write(json& out, const Unregistration& value) {
    out = json::object();
    write_required(out, "id", value.id);
    write_required(out, "method", value.method);
  }
};

template <>
struct Codec<UnregistrationParams> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "unregisterations") ? 1 : -1;
  }
  static bool read(const json& in, UnregistrationParams& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "unregisterations", value.unregisterations, error);
  }
  static void write(json& out, const UnregistrationParams& value) {
    out = json::object();
    write_required(out, "unregisterations", value.unregisterations);
  }
};

template <>
struct Codec<ExecuteCommandRegistrationOptions> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "commands") ? 1 : -1;
  }
  static bool read(const json& in, ExecuteCommandRegistrationOptions& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "commands", value.commands, error);
  }
  static void write(json& out, const ExecuteCommandRegistrationOptions& value) {
    out = json::object();
    write_required(out, "commands", value.commands);
  }
};

template <>
struct Codec<CancelParams> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "id") ? 1 : -1;
  }
  static bool read(const json& in, CancelParams& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "id", value.id, error);
  }
  static void write(json& out, const CancelParams& value) {
    out = json::object();
    write_required(out, "id", value.id);
  }
};

template <>
struct Codec<Position> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "line") && has(in, "character") ? 2 : -1;
  }
  static bool read(const json& in, Position& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "line", value.line, error) && read_required(in, "character", value.character, error);
  }
  static void write(json& out, const Position& value) {
    out = json::object();
    write_required(out, "line", value.line);
    write_required(out, "character", value.character);
  }
};

template <>
struct Codec<Range> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "start") && has(in, "end") ? 2 : -1;
  }
  static bool read(const json& in, Range& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "start", value.start, error) && read_required(in, "end", value.end, error);
  }
  static void write(json& out, const Range& value) {
    out = json::object();
    write_required(out, "start", value.start);
    write_required(out, "end", value.end);
  }
};

template <>
struct Codec<Location> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "uri") && has(in, "range") ? 2 : -1;
  }
  static bool read(const json& in, Location& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "uri", value.uri, error) && read_required(in, "range", value.range, error);
  }
  static void write(json& out, const Location& value) {
    out = json::object();
    write_required(out, "uri", value.uri);
    write_required(out, "range", value.range);
  }
};

template <>
struct Codec<TextDocumentIdentifier> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "uri") ? 1 : -1;
  }
  static bool read(const json& in, TextDocumentIdentifier& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "uri", value.uri, error);
  }
  static void write(json& out, const TextDocumentIdentifier& value) {
    out = json::object();
    write_required(out, "uri", value.uri);
  }
};

template <>
struct Codec<VersionedTextDocumentIdentifier> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "uri") ? 1 : -1;
  }
  static bool read(const json& in, VersionedTextDocumentIdentifier& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "uri", value.uri, error) && read_optional(in, "version", value.version, error);
  }
  static void write(json& out, const VersionedTextDocumentIdentifier& value) {
    out = json::object();
    write_required(out, "uri", value.uri);
    write_optional(out, "version", value.version);
  }
};

template <>
struct Codec<TextDocumentItem> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "uri") && has(in, "text") ? 2 : -1;
  }
  static bool read(const json& in, TextDocumentItem& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "uri", value.uri, error) && read_optional(in, "languageId", value.languageId, error) && read_optional(in, "version", value.version, error) && read_required(in, "text", value.text, error);
  }
  static void write(json& out, const TextDocumentItem& value) {
    out = json::object();
    write_required(out, "uri", value.uri);
    write_optional(out, "languageId", value.languageId);
    write_optional(out, "version", value.version);
    write_required(out, "text", value.text);
  }
};

template <>
struct Codec<DidOpenTextDocumentParams> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "textDocument") ? 1 : -1;
  }
  static bool read(const json& in, DidOpenTextDocumentParams& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "textDocument", value.textDocument, error);
  }
  static void write(json& out, const DidOpenTextDocumentParams& value) {
    out = json::object();
    write_required(out, "textDocument", value.textDocument);
  }
};

template <>
struct Codec<TextDocumentContentChangePartial> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "range") && has(in, "text") ? 2 : -1;
  }
  static bool read(const json& in, TextDocumentContentChangePartial& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "range", value.range, error) && read_required(in, "text", value.text, error);
  }
  static void write(json& out, const TextDocumentContentChangePartial& value) {
    out = json::object();
    write_required(out, "range", value.range);
    write_required(out, "text", value.text);
  }
};

template <>
struct Codec<TextDocumentContentChangeWholeDocument> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "text") ? 1 : -1;
  }
  static bool read(const json& in, TextDocumentContentChangeWholeDocument& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "text", value.text, error);
  }
  static void write(json& out, const TextDocumentContentChangeWholeDocument& value) {
    out = json::object();
    write_required(out, "text", value.text);
  }
};

template <>
struct Codec<DidChangeTextDocumentParams> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "textDocument") && has(in, "contentChanges") ? 2 : -1;
  }
  static bool read(const json& in, DidChangeTextDocumentParams& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "textDocument", value.textDocument, error) && read_required(in, "contentChanges", value.contentChanges, error);
  }
  static void write(json& out, const DidChangeTextDocumentParams& value) {
    out = json::object();
    write_required(out, "textDocument", value.textDocument);
    write_required(out, "contentChanges", value.contentChanges);
  }
};

template <>
struct Codec<DidSaveTextDocumentParams> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "textDocument") ? 1 : -1;
  }
  static bool read(const json& in, DidSaveTextDocumentParams& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "textDocument", value.textDocument, error) && read_optional(in, "text", value.text, error);
  }
  static void write(json& out, const DidSaveTextDocumentParams& value) {
    out = json::object();
    write_required(out, "textDocument", value.textDocument);
    write_optional(out, "text", value.text);
  }
};

template <>
struct Codec<DidCloseTextDocumentParams> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "textDocument") ? 1 : -1;
  }
  static bool read(const json& in, DidCloseTextDocumentParams& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "textDocument", value.textDocument, error);
  }
  static void write(json& out, const DidCloseTextDocumentParams& value) {
    out = json::object();
    write_required(out, "textDocument", value.textDocument);
  }
};

template <>
struct Codec<FileRename> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "oldUri") && has(in, "newUri") ? 2 : -1;
  }
  static bool read(const json& in, FileRename& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "oldUri", value.oldUri, error) && read_required(in, "newUri", value.newUri, error);
  }
  static void write(json& out, const FileRename& value) {
    out = json::object();
    write_required(out, "oldUri", value.oldUri);
    write_required(out, "newUri", value.newUri);
  }
};

template <>
struct Codec<RenameFilesParams> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "files") ? 1 : -1;
  }
  static bool read(const json& in, RenameFilesParams& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "files", value.files, error);
  }
  static void write(json& out, const RenameFilesParams& value) {
    out = json::object();
    write_required(out, "files", value.files);
  }
};

template <>
struct Codec<Command> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "command") ? 1 : -1;
  }
  static bool read(const json& in, Command& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "title", value.title, error) && read_required(in, "command", value.command, error) && read_optional(in, "arguments", value.arguments, error);
  }
  static void write(json& out, const Command& value) {
    out = json::object();
    write_optional(out, "title", value.title);
    write_required(out, "command", value.command);
    write_optional(out, "arguments", value.arguments);
  }
};

template <>
struct Codec<TextEdit> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "range") && has(in, "newText") ? 2 : -1;
  }
  static bool read(const json& in, TextEdit& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "range", value.range, error) && read_required(in, "newText", value.newText, error);
  }
  static void write(json& out, const TextEdit& value) {
    out = json::object();
    write_required(out, "range", value.range);
    write_required(out, "newText", value.newText);
  }
};

template <>
struct Codec<InsertReplaceEdit> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "newText") && has(in, "insert") && has(in, "replace") ? 3 : -1;
  }
  static bool read(const json& in, InsertReplaceEdit& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "newText", value.newText, error) && read_required(in, "insert", value.insert, error) && read_required(in, "replace", value.replace, error);
  }
  static void write(json& out, const InsertReplaceEdit& value) {
    out = json::object();
    write_required(out, "newText", value.newText);
    write_required(out, "insert", value.insert);
    write_required(out, "replace", value.replace);
  }
};

template <>
struct Codec<CompletionContext> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "triggerKind") ? 1 : -1;
  }
  static bool read(const json& in, CompletionContext& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "triggerKind", value.triggerKind, error) && read_optional(in, "triggerCharacter", value.triggerCharacter, error);
  }
  static void write(json& out, const CompletionContext& value) {
    out = json::object();
    write_required(out, "triggerKind", value.triggerKind);
    write_optional(out, "triggerCharacter", value.triggerCharacter);
  }
};

template <>
struct Codec<CompletionParams> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "textDocument") && has(in, "position") ? 2 : -1;
  }
  static bool read(const json& in, CompletionParams& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "textDocument", value.textDocument, error) && read_required(in, "position", value.position, error) && read_optional(in, "context", value.context, error);
  }
  static void write(json& out, const CompletionParams& value) {
    out = json::object();
    write_required(out, "textDocument", value.textDocument);
    write_required(out, "position", value.position);
    write_optional(out, "context", value.context);
  }
};

template <>
struct Codec<CompletionItem> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "label") ? 1 : -1;
  }
  static bool read(const json& in, CompletionItem& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "label", value.label, error) && read_optional(in, "kind", value.kind, error) && read_optional(in, "preselect", value.preselect, error) && read_optional(in, "sortText", value.sortText, error) && read_optional(in, "filterText", value.filterText, error) && read_optional(in, "insertText", value.insertText, error) && read_optional(in, "insertTextFormat", value.insertTextFormat, error) && read_optional(in, "insertTextMode", value.insertTextMode, error) && read_optional(in, "textEdit", value.textEdit, error) && read_optional(in, "textEditText", value.textEditText, error) && read_optional(in, "additionalTextEdits", value.additionalTextEdits, error) && read_optional(in, "command", value.command, error) && read_optional(in, "data", value.data, error);
  }
  static void write(json& out, const CompletionItem& value) {
    out = json::object();
    write_required(out, "label", value.label);
    write_optional(out, "kind", value.kind);
    write_optional(out, "preselect", value.preselect);
    write_optional(out, "sortText", value.sortText);
    write_optional(out, "filterText", value.filterText);
    write_optional(out, "insertText", value.insertText);
    write_optional(out, "insertTextFormat", value.insertTextFormat);
    write_optional(out, "insertTextMode", value.insertTextMode);
    write_optional(out, "textEdit", value.textEdit);
    write_optional(out, "textEditText", value.textEditText);
    write_optional(out, "additionalTextEdits", value.additionalTextEdits);
    write_optional(out, "command", value.command);
    write_optional(out, "data", value.data);
  }
};

template <>
struct Codec<EditRangeWithInsertReplace> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "insert") && has(in, "replace") ? 2 : -1;
  }
  static bool read(const json& in, EditRangeWithInsertReplace& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "insert", value.insert, error) && read_required(in, "replace", value.replace, error);
  }
  static void write(json& out, const EditRangeWithInsertReplace& value) {
    out = json::object();
    write_required(out, "insert", value.insert);
    write_required(out, "replace", value.replace);
  }
};

template <>
struct Codec<CompletionItemDefaults> {
  static int fit(const json& in) {
    return in.is_object() ? 0 : -1;
  }
  static bool read(const json& in, CompletionItemDefaults& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "commitCharacters", value.commitCharacters, error) && read_optional(in, "editRange", value.editRange, error) && read_optional(in, "insertTextFormat", value.insertTextFormat, error) && read_optional(in, "insertTextMode", value.insertTextMode, error) && read_optional(in, "data", value.data, error);
  }
  static void write(json& out, const CompletionItemDefaults& value) {
    out = json::object();
    write_optional(out, "commitCharacters", value.commitCharacters);
    write_optional(out, "editRange", value.editRange);
    write_optional(out, "insertTextFormat", value.insertTextFormat);
    write_optional(out, "insertTextMode", value.insertTextMode);
    write_optional(out, "data", value.data);
  }
};

template <>
struct Codec<CompletionList> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "items") ? 1 : -1;
  }
  static bool read(const json& in, CompletionList& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "isIncomplete", value.isIncomplete, error) && read_optional(in, "itemDefaults", value.itemDefaults, error) && read_required(in, "items", value.items, error);
  }
  static void write(json& out, const CompletionList& value) {
    out = json::object();
    write_optional(out, "isIncomplete", value.isIncomplete);
    write_optional(out, "itemDefaults", value.itemDefaults);
    write_required(out, "items", value.items);
  }
};

template <>
struct Codec<StringValue> {
  static int fit(const json& in) {
    return in.is_object() && is_literal(in, "kind", "snippet") && has(in, "value") ? 2 : -1;
  }
  static bool read(const json& in, StringValue& value, std::string& error) {
    return expect_object(in, error) && read_literal(in, "kind", "snippet", error) && read_required(in, "value", value.value, error);
  }
  static void write(json& out, const StringValue& value) {
    out = json::object();
    out["kind"] = "snippet";
    write_required(out, "value", value.value);
  }
};

template <>
struct Codec<SelectedCompletionInfo> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "range") && has(in, "text") ? 2 : -1;
  }
  static bool read(const json& in, SelectedCompletionInfo& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "range", value.range, error) && read_required(in, "text", value.text, error);
  }
  static void write(json& out, const SelectedCompletionInfo& value) {
    out = json::object();
    write_required(out, "range", value.range);
    write_required(out, "text", value.text);
  }
};

template <>
struct Codec<InlineCompletionContext> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "triggerKind") ? 1 : -1;
  }
  static bool read(const json& in, InlineCompletionContext& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "triggerKind", value.triggerKind, error) && read_optional(in, "selectedCompletionInfo", value.selectedCompletionInfo, error);
  }
  static void write(json& out, const InlineCompletionContext& value) {
    out = json::object();
    write_required(out, "triggerKind", value.triggerKind);
    write_optional(out, "selectedCompletionInfo", value.selectedCompletionInfo);
  }
};

template <>
struct Codec<InlineCompletionParams> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "textDocument") && has(in, "position") && has(in, "context") ? 3 : -1;
  }
  static bool read(const json& in, InlineCompletionParams& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "textDocument", value.textDocument, error) && read_required(in, "position", value.position, error) && read_required(in, "context", value.context, error);
  }
  static void write(json& out, const InlineCompletionParams& value) {
    out = json::object();
    write_required(out, "textDocument", value.textDocument);
    write_required(out, "position", value.position);
    write_required(out, "context", value.context);
  }
};

template <>
struct Codec<InlineCompletionItem> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "insertText") ? 1 : -1;
  }
  static bool read(const json& in, InlineCompletionItem& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "insertText", value.insertText, error) && read_optional(in, "filterText", value.filterText, error) && read_optional(in, "range", value.range, error) && read_optional(in, "command", value.command, error);
  }
  static void write(json& out, const InlineCompletionItem& value) {
    out = json::object();
    write_required(out, "insertText", value.insertText);
    write_optional(out, "filterText", value.filterText);
    write_optional(out, "range", value.range);
    write_optional(out, "command", value.command);
  }
};

template <>
struct Codec<InlineCompletionList> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "items") ? 1 : -1;
  }
  static bool read(const json& in, InlineCompletionList& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "items", value.items, error);
  }
  static void write(json& out, const InlineCompletionList& value) {
    out = json::object();
    write_required(out, "items", value.items);
  }
};

template <>
struct Codec<ExecuteCommandParams> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "command") ? 1 : -1;
  }
  static bool read(const json& in, ExecuteCommandParams& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "command", value.command, error) && read_optional(in, "arguments", value.arguments, error);
  }
  static void write(json& out, const ExecuteCommandParams& value) {
    out = json::object();
    write_required(out, "command", value.command);
    write_optional(out, "arguments", value.arguments);
  }
};

template <>
struct Codec<MarkupContent> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "value") ? 1 : -1;
  }
  static bool read(const json& in, MarkupContent& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "value", value.value, error);
  }
  static void write(json& out, const MarkupContent& value) {
    out = json::object();
    write_required(out, "value", value.value);
  }
};

template <>
struct Codec<Diagnostic> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "range") && has(in, "message") ? 2 : -1;
  }
  static bool read(const json& in, Diagnostic& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "range", value.range, error) && read_optional(in, "severity", value.severity, error) && read_optional(in, "code", value.code, error) && read_optional(in, "source", value.source, error) && read_required(in, "message", value.message, error);
  }
  static void write(json& out, const Diagnostic& value) {
    out = json::object();
    write_required(out, "range", value.range);
    write_optional(out, "severity", value.severity);
    write_optional(out, "code", value.code);
    write_optional(out, "source", value.source);
    write_required(out, "message", value.message);
  }
};

template <>
struct Codec<PublishDiagnosticsParams> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "uri") && has(in, "diagnostics") ? 2 : -1;
  }
  static bool read(const json& in, PublishDiagnosticsParams& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "uri", value.uri, error) && read_optional(in, "version", value.version, error) && read_required(in, "diagnostics", value.diagnostics, error);
  }
  static void write(json& out, const PublishDiagnosticsParams& value) {
    out = json::object();
    write_required(out, "uri", value.uri);
    write_optional(out, "version", value.version);
    write_required(out, "diagnostics", value.diagnostics);
  }
};

template <>
struct Codec<OptionalVersionedTextDocumentIdentifier> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "uri") ? 1 : -1;
  }
  static bool read(const json& in, OptionalVersionedTextDocumentIdentifier& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "uri", value.uri, error) && read_optional(in, "version", value.version, error);
  }
  static void write(json& out, const OptionalVersionedTextDocumentIdentifier& value) {
    out = json::object();
    write_required(out, "uri", value.uri);
    write_nullable(out, "version", value.version);
  }
};

template <>
struct Codec<AnnotatedTextEdit> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "range") && has(in, "newText") && has(in, "annotationId") ? 3 : -1;
  }
  static bool read(const json& in, AnnotatedTextEdit& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "range", value.range, error) && read_required(in, "newText", value.newText, error) && read_required(in, "annotationId", value.annotationId, error);
  }
  static void write(json& out, const AnnotatedTextEdit& value) {
    out = json::object();
    write_required(out, "range", value.range);
    write_required(out, "newText", value.newText);
    write_required(out, "annotationId", value.annotationId);
  }
};

template <>
struct Codec<SnippetTextEdit> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "range") && has(in, "snippet") ? 2 : -1;
  }
  static bool read(const json& in, SnippetTextEdit& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "range", value.range, error) && read_required(in, "snippet", value.snippet, error) && read_optional(in, "annotationId", value.annotationId, error);
  }
  static void write(json& out, const SnippetTextEdit& value) {
    out = json::object();
    write_required(out, "range", value.range);
    write_required(out, "snippet", value.snippet);
    write_optional(out, "annotationId", value.annotationId);
  }
};

template <>
struct Codec<TextDocumentEdit> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "textDocument") && has(in, "edits") ? 2 : -1;
  }
  static bool read(const json& in, TextDocumentEdit& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "textDocument", value.textDocument, error) && read_required(in, "edits", value.edits, error);
  }
  static void write(json& out, const TextDocumentEdit& value) {
    out = json::object();
    write_required(out, "textDocument", value.textDocument);
    write_required(out, "edits", value.edits);
  }
};

template <>
struct Codec<CreateFile> {
  static int fit(const json& in) {
    return in.is_object() && is_literal(in, "kind", "create") && has(in, "uri") ? 2 : -1;
  }
  static bool read(const json& in, CreateFile& value, std::string& error) {
    return expect_object(in, error) && read_literal(in, "kind", "create", error) && read_required(in, "uri", value.uri, error);
  }
  static void write(json& out, const CreateFile& value) {
    out = json::object();
    out["kind"] = "create";
    write_required(out, "uri", value.uri);
  }
};

template <>
struct Codec<RenameFile> {
  static int fit(const json& in) {
    return in.is_object() && is_literal(in, "kind", "rename") && has(in, "oldUri") && has(in, "newUri") ? 3 : -1;
  }
  static bool read(const json& in, RenameFile& value, std::string& error) {
    return expect_object(in, error) && read_literal(in, "kind", "rename", error) && read_required(in, "oldUri", value.oldUri, error) && read_required(in, "newUri", value.newUri, error);
  }
  static void write(json& out, const RenameFile& value) {
    out = json::object();
    out["kind"] = "rename";
    write_required(out, "oldUri", value.oldUri);
    write_required(out, "newUri", value.newUri);
  }
};

template <>
struct Codec<DeleteFile> {
  static int fit(const json& in) {
    return in.is_object() && is_literal(in, "kind", "delete") && has(in, "uri") ? 2 : -1;
  }
  static bool read(const json& in, DeleteFile& value, std::string& error) {
    return expect_object(in, error) && read_literal(in, "kind", "delete", error) && read_required(in, "uri", value.uri, error);
  }
  static void write(json& out, const DeleteFile& value) {
    out = json::object();
    out["kind"] = "delete";
    write_required(out, "uri", value.uri);
  }
};

template <>
struct Codec<WorkspaceEdit> {
  static int fit(const json& in) {
    return in.is_object() ? 0 : -1;
  }
  static bool read(const json& in, WorkspaceEdit& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "changes", value.changes, error) && read_optional(in, "documentChanges", value.documentChanges, error);
  }
  static void write(json& out, const WorkspaceEdit& value) {
    out = json::object();
    write_optional(out, "changes", value.changes);
    write_optional(out, "documentChanges", value.documentChanges);
  }
};

template <>
struct Codec<ApplyWorkspaceEditParams> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "edit") ? 1 : -1;
  }
  static bool read(const json& in, ApplyWorkspaceEditParams& value, std::string& error) {
    return expect_object(in, error) && read_optional(in, "label", value.label, error) && read_required(in, "edit", value.edit, error);
  }
  static void write(json& out, const ApplyWorkspaceEditParams& value) {
    out = json::object();
    write_optional(out, "label", value.label);
    write_required(out, "edit", value.edit);
  }
};

template <>
struct Codec<ApplyWorkspaceEditResult> {
  static int fit(const json& in) {
    return in.is_object() && has(in, "applied") ? 1 : -1;
  }
  static bool read(const json& in, ApplyWorkspaceEditResult& value, std::string& error) {
    return expect_object(in, error) && read_required(in, "applied", value.applied, error);
  }
  static void write(json& out, const ApplyWorkspaceEditResult& value) {
    out = json::object();
    write_required(out, "applied", value.applied);
  }
};

void to_json(json& out, const ExecuteCommandClientCapabilities& value) { Codec<ExecuteCommandClientCapabilities>::write(out, value); }
void to_json(json& out, const WorkspaceClientCapabilities& value) { Codec<WorkspaceClientCapabilities>::write(out, value); }
void to_json(json& out, const ClientCompletionItemOptions& value) { Codec<ClientCompletionItemOptions>::write(out, value); }
void to_json(json& out, const CompletionListCapabilities& value) { Codec<CompletionListCapabilities>::write(out, value); }
void to_json(json& out, const CompletionClientCapabilities& value) { Codec<CompletionClientCapabilities>::write(out, value); }
void to_json(json& out, const InlineCompletionClientCapabilities& value) { Codec<InlineCompletionClientCapabilities>::write(out, value); }
void to_json(json& out, const TextDocumentClientCapabilities& value) { Codec<TextDocumentClientCapabilities>::write(out, value); }
void to_json(json& out, const GeneralClientCapabilities& value) { Codec<GeneralClientCapabilities>::write(out, value); }
void to_json(json& out, const ClientCapabilities& value) { Codec<ClientCapabilities>::write(out, value); }
void to_json(json& out, const ClientInfo& value) { Codec<ClientInfo>::write(out, value); }
void to_json(json& out, const WorkspaceFolder& value) { Codec<WorkspaceFolder>::write(out, value); }
void to_json(json& out, const InitializeParams& value) { Codec<InitializeParams>::write(out, value); }
void to_json(json& out, const ServerInfo& value) { Codec<ServerInfo>::write(out, value); }
void to_json(json& out, const SaveOptions& value) { Codec<SaveOptions>::write(out, value); }
void to_json(json& out, const TextDocumentSyncOptions& value) { Codec<TextDocumentSyncOptions>::write(out, value); }
void to_json(json& out, const CompletionOptions& value) { Codec<CompletionOptions>::write(out, value); }
void to_json(json& out, const InlineCompletionOptions& value) { Codec<InlineCompletionOptions>::write(out, value); }
void to_json(json& out, const ExecuteCommandOptions& value) { Codec<ExecuteCommandOptions>::write(out, value); }
void to_json(json& out, const ServerCapabilities& value) { Codec<ServerCapabilities>::write(out, value); }
void to_json(json& out, const InitializeResult& value) { Codec<InitializeResult>::write(out, value); }
void to_json(json& out, const Registration& value) { Codec<Registration>::write(out, value); }
void to_json(json& out, const RegistrationParams& value) { Codec<RegistrationParams>::write(out, value); }
void to_json(json& out, const Unregistration& value) { Codec<Unregistration>::write(out, value); }
void to_json(json& out, const UnregistrationParams& value) { Codec<UnregistrationParams>::write(out, value); }
void to_json(json& out, const ExecuteCommandRegistrationOptions& value) { Codec<ExecuteCommandRegistrationOptions>::write(out, value); }
void to_json(json& out, const CancelParams& value) { Codec<CancelParams>::write(out, value); }
void to_json(json& out, const Position& value) { Codec<Position>::write(out, value); }
void to_json(json& out, const Range& value) { Codec<Range>::write(out, value); }
void to_json(json& out, const Location& value) { Codec<Location>::write(out, value); }
void to_json(json& out, const TextDocumentIdentifier& value) { Codec<TextDocumentIdentifier>::write(out, value); }
void to_json(json& out, const VersionedTextDocumentIdentifier& value) { Codec<VersionedTextDocumentIdentifier>::write(out, value); }
void to_json(json& out, const TextDocumentItem& value) { Codec<TextDocumentItem>::write(out, value); }
void to_json(json& out, const DidOpenTextDocumentParams& value) { Codec<DidOpenTextDocumentParams>::write(out, value); }
void to_json(json& out, const TextDocumentContentChangePartial& value) { Codec<TextDocumentContentChangePartial>::write(out, value); }
void to_json(json& out, const TextDocumentContentChangeWholeDocument& value) { Codec<TextDocumentContentChangeWholeDocument>::write(out, value); }
void to_json(json& out, const DidChangeTextDocumentParams& value) { Codec<DidChangeTextDocumentParams>::write(out, value); }
void to_json(json& out, const DidSaveTextDocumentParams& value) { Codec<DidSaveTextDocumentParams>::write(out, value); }
void to_json(json& out, const DidCloseTextDocumentParams& value) { Codec<DidCloseTextDocumentParams>::write(out, value); }
void to_json(json& out, const FileRename& value) { Codec<FileRename>::write(out, value); }
void to_json(json& out, const RenameFilesParams& value) { Codec<RenameFilesParams>::write(out, value); }
void to_json(json& out, const Command& value) { Codec<Command>::write(out, value); }
void to_json(json& out, const TextEdit& value) { Codec<TextEdit>::write(out, value); }
void to_json(json& out, const InsertReplaceEdit& value) { Codec<InsertReplaceEdit>::write(out, value); }
void to_json(json& out, const CompletionContext& value) { Codec<CompletionContext>::write(out, value); }
void to_json(json& out, const CompletionParams& value) { Codec<CompletionParams>::write(out, value); }
void to_json(json& out, const CompletionItem& value) { Codec<CompletionItem>::write(out, value); }
void to_json(json& out, const EditRangeWithInsertReplace& value) { Codec<EditRangeWithInsertReplace>::write(out, value); }
void to_json(json& out, const CompletionItemDefaults& value) { Codec<CompletionItemDefaults>::write(out, value); }
void to_json(json& out, const CompletionList& value) { Codec<CompletionList>::write(out, value); }
void to_json(json& out, const StringValue& value) { Codec<StringValue>::write(out, value); }
void to_json(json& out, const SelectedCompletionInfo& value) { Codec<SelectedCompletionInfo>::write(out, value); }
void to_json(json& out, const InlineCompletionContext& value) { Codec<InlineCompletionContext>::write(out, value); }
void to_json(json& out, const InlineCompletionParams& value) { Codec<InlineCompletionParams>::write(out, value); }
void to_json(json& out, const InlineCompletionItem& value) { Codec<InlineCompletionItem>::write(out, value); }
void to_json(json& out, const InlineCompletionList& value) { Codec<InlineCompletionList>::write(out, value); }
void to_json(json& out, const ExecuteCommandParams& value) { Codec<ExecuteCommandParams>::write(out, value); }
void to_json(json& out, const MarkupContent& value) { Codec<MarkupContent>::write(out, value); }
void to_json(json& out, const Diagnostic& value) { Codec<Diagnostic>::write(out, value); }
void to_json(json& out, const PublishDiagnosticsParams& value) { Codec<PublishDiagnosticsParams>::write(out, value); }
void to_json(json& out, const OptionalVersionedTextDocumentIdentifier& value) { Codec<OptionalVersionedTextDocumentIdentifier>::write(out, value); }
void to_json(json& out, const AnnotatedTextEdit& value) { Codec<AnnotatedTextEdit>::write(out, value); }
void to_json(json& out, const SnippetTextEdit& value) { Codec<SnippetTextEdit>::write(out, value); }
void to_json(json& out, const TextDocumentEdit& value) { Codec<TextDocumentEdit>::write(out, value); }
void to_json(json& out, const CreateFile& value) { Codec<CreateFile>::write(out, value); }
void to_json(json& out, const RenameFile& value) { Codec<RenameFile>::write(out, value); }
void to_json(json& out, const DeleteFile& value) { Codec<DeleteFile>::write(out, value); }
void to_json(json& out, const WorkspaceEdit& value) { Codec<WorkspaceEdit>::write(out, value); }
void to_json(json& out, const ApplyWorkspaceEditParams& value) { Codec<ApplyWorkspaceEditParams>::write(out, value); }
void to_json(json& out, const ApplyWorkspaceEditResult& value) { Codec<ApplyWorkspaceEditResult>::write(out, value); }

template tl::expected<ExecuteCommandClientCapabilities, std::string> parse(const json& value);
template tl::expected<WorkspaceClientCapabilities, std::string> parse(const json& value);
template tl::expected<ClientCompletionItemOptions, std::string> parse(const json& value);
template tl::expected<CompletionListCapabilities, std::string> parse(const json& value);
template tl::expected<CompletionClientCapabilities, std::string> parse(const json& value);
template tl::expected<InlineCompletionClientCapabilities, std::string> parse(const json& value);
template tl::expected<TextDocumentClientCapabilities, std::string> parse(const json& value);
template tl::expected<GeneralClientCapabilities, std::string> parse(const json& value);
template tl::expected<ClientCapabilities, std::string> parse(const json& value);
template tl::expected<ClientInfo, std::string> parse(const json& value);
template tl::expected<WorkspaceFolder, std::string> parse(const json& value);
template tl::expected<InitializeParams, std::string> parse(const json& value);
template tl::expected<ServerInfo, std::string> parse(const json& value);
template tl::expected<SaveOptions, std::string> parse(const json& value);
template tl::expected<TextDocumentSyncOptions, std::string> parse(const json& value);
template tl::expected<CompletionOptions, std::string> parse(const json& value);
template tl::expected<InlineCompletionOptions, std::string> parse(const json& value);
template tl::expected<ExecuteCommandOptions, std::string> parse(const json& value);
template tl::expected<ServerCapabilities, std::string> parse(const json& value);
template tl::expected<InitializeResult, std::string> parse(const json& value);
template tl::expected<Registration, std::string> parse(const json& value);
template tl::expected<RegistrationParams, std::string> parse(const json& value);
template tl::expected<Unregistration, std::string> parse(const json& value);
template tl::expected<UnregistrationParams, std::string> parse(const json& value);
template tl::expected<ExecuteCommandRegistrationOptions, std::string> parse(const json& value);
template tl::expected<CancelParams, std::string> parse(const json& value);
template tl::expected<Position, std::string> parse(const json& value);
template tl::expected<Range, std::string> parse(const json& value);
template tl::expected<Location, std::string> parse(const json& value);
template tl::expected<TextDocumentIdentifier, std::string> parse(const json& value);
template tl::expected<VersionedTextDocumentIdentifier, std::string> parse(const json& value);
template tl::expected<TextDocumentItem, std::string> parse(const json& value);
template tl::expected<DidOpenTextDocumentParams, std::string> parse(const json& value);
template tl::expected<TextDocumentContentChangePartial, std::string> parse(const json& value);
template tl::expected<TextDocumentContentChangeWholeDocument, std::string> parse(const json& value);
template tl::expected<DidChangeTextDocumentParams, std::string> parse(const json& value);
template tl::expected<DidSaveTextDocumentParams, std::string> parse(const json& value);
template tl::expected<DidCloseTextDocumentParams, std::string> parse(const json& value);
template tl::expected<FileRename, std::string> parse(const json& value);
template tl::expected<RenameFilesParams, std::string> parse(const json& value);
template tl::expected<Command, std::string> parse(const json& value);
template tl::expected<TextEdit, std::string> parse(const json& value);
template tl::expected<InsertReplaceEdit, std::string> parse(const json& value);
template tl::expected<CompletionContext, std::string> parse(const json& value);
template tl::expected<CompletionParams, std::string> parse(const json& value);
template tl::expected<CompletionItem, std::string> parse(const json& value);
template tl::expected<EditRangeWithInsertReplace, std::string> parse(const json& value);
template tl::expected<CompletionItemDefaults, std::string> parse(const json& value);
template tl::expected<CompletionList, std::string> parse(const json& value);
template tl::expected<StringValue, std::string> parse(const json& value);
template tl::expected<SelectedCompletionInfo, std::string> parse(const json& value);
template tl::expected<InlineCompletionContext, std::string> parse(const json& value);
template tl::expected<InlineCompletionParams, std::string> parse(const json& value);
template tl::expected<InlineCompletionItem, std::string> parse(const json& value);
template tl::expected<InlineCompletionList, std::string> parse(const json& value);
template tl::expected<ExecuteCommandParams, std::string> parse(const json& value);
template tl::expected<MarkupContent, std::string> parse(const json& value);
template tl::expected<Diagnostic, std::string> parse(const json& value);
template tl::expected<PublishDiagnosticsParams, std::string> parse(const json& value);
template tl::expected<OptionalVersionedTextDocumentIdentifier, std::string> parse(const json& value);
template tl::expected<AnnotatedTextEdit, std::string> parse(const json& value);
template tl::expected<SnippetTextEdit, std::string> parse(const json& value);
template tl::expected<TextDocumentEdit, std::string> parse(const json& value);
template tl::expected<CreateFile, std::string> parse(const json& value);
template tl::expected<RenameFile, std::string> parse(const json& value);
template tl::expected<DeleteFile, std::string> parse(const json& value);
template tl::expected<WorkspaceEdit, std::string> parse(const json& value);
template tl::expected<ApplyWorkspaceEditParams, std::string> parse(const json& value);
template tl::expected<ApplyWorkspaceEditResult, std::string> parse(const json& value);
template tl::expected<CompletionResult, std::string> parse(const json& value);
template tl::expected<InlineCompletionResult, std::string> parse(const json& value);
template tl::expected<FormattingResult, std::string> parse(const json& value);

}  // namespace strop::lsp
