// The Language Server Protocol's structures, the subset that Strop uses (lsp/types.list).
//
// Made by lsp/generate_types.py from metaModel.json 3.18.0 (SHA-256 35ebcc0b607eeda1…); not to be edited.
// Plain values with the protocol's own names. lsp/types.h reads them; each converts to JSON by itself.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace strop::lsp {

using PositionEncodingKind = std::string;
inline constexpr std::string_view kPositionEncodingKindUTF8 = "utf-8";
inline constexpr std::string_view kPositionEncodingKindUTF16 = "utf-16";
inline constexpr std::string_view kPositionEncodingKindUTF32 = "utf-32";

// Other numbers than these are kept as they came.
enum class TextDocumentSyncKind : std::uint32_t {
  kNone = 0,
  kFull = 1,
  kIncremental = 2,
};

using LanguageKind = std::string;

// Other numbers than these are kept as they came.
enum class CompletionTriggerKind : std::uint32_t {
  kInvoked = 1,
  kTriggerCharacter = 2,
  kTriggerForIncompleteCompletions = 3,
};

// Other numbers than these are kept as they came.
enum class CompletionItemKind : std::uint32_t {
  kText = 1,
  kMethod = 2,
  kFunction = 3,
  kConstructor = 4,
  kField = 5,
  kVariable = 6,
  kClass = 7,
  kInterface = 8,
  kModule = 9,
  kProperty = 10,
  kUnit = 11,
  kValue = 12,
  kEnum = 13,
  kKeyword = 14,
  kSnippet = 15,
  kColor = 16,
  kFile = 17,
  kReference = 18,
  kFolder = 19,
  kEnumMember = 20,
  kConstant = 21,
  kStruct = 22,
  kEvent = 23,
  kOperator = 24,
  kTypeParameter = 25,
};

// Other numbers than these are kept as they came.
enum class InsertTextFormat : std::uint32_t {
  kPlainText = 1,
  kSnippet = 2,
};

// Other numbers than these are kept as they came.
enum class InsertTextMode : std::uint32_t {
  kAsIs = 1,
  kAdjustIndentation = 2,
};

// Other numbers than these are kept as they came.
enum class InlineCompletionTriggerKind : std::uint32_t {
  kInvoked = 1,
  kAutomatic = 2,
};

// Other numbers than these are kept as they came.
enum class DiagnosticSeverity : std::uint32_t {
  kError = 1,
  kWarning = 2,
  kInformation = 3,
  kHint = 4,
};

struct ExecuteCommandClientCapabilities {
  std::optional<bool> dynamicRegistration;
  bool operator==(const ExecuteCommandClientCapabilities&) const = default;
};
void to_json(nlohmann::json& out, const ExecuteCommandClientCapabilities& value);

struct WorkspaceClientCapabilities {
  std::optional<ExecuteCommandClientCapabilities> executeCommand;
  bool operator==(const WorkspaceClientCapabilities&) const = default;
};
void to_json(nlohmann::json& out, const WorkspaceClientCapabilities& value);

struct ClientCompletionItemOptions {
  std::optional<bool> snippetSupport;
  std::optional<bool> insertReplaceSupport;
  bool operator==(const ClientCompletionItemOptions&) const = default;
};
void to_json(nlohmann::json& out, const ClientCompletionItemOptions& value);

struct CompletionListCapabilities {
  std::optional<std::vector<std::string>> itemDefaults;
  bool operator==(const CompletionListCapabilities&) const = default;
};
void to_json(nlohmann::json& out, const CompletionListCapabilities& value);

struct CompletionClientCapabilities {
  std::optional<bool> dynamicRegistration;
  std::optional<ClientCompletionItemOptions> completionItem;
  std::optional<CompletionListCapabilities> completionList;
  bool operator==(const CompletionClientCapabilities&) const = default;
};
void to_json(nlohmann::json& out, const CompletionClientCapabilities& value);

struct InlineCompletionClientCapabilities {
  std::optional<bool> dynamicRegistration;
  bool operator==(const InlineCompletionClientCapabilities&) const = default;
};
void to_json(nlohmann::json& out, const InlineCompletionClientCapabilities& value);

struct TextDocumentClientCapabilities {
  std::optional<CompletionClientCapabilities> completion;
  std::optional<InlineCompletionClientCapabilities> inlineCompletion;
  bool operator==(const TextDocumentClientCapabilities&) const = default;
};
void to_json(nlohmann::json& out, const TextDocumentClientCapabilities& value);

struct GeneralClientCapabilities {
  std::optional<std::vector<PositionEncodingKind>> positionEncodings;
  bool operator==(const GeneralClientCapabilities&) const = default;
};
void to_json(nlohmann::json& out, const GeneralClientCapabilities& value);

struct ClientCapabilities {
  std::optional<WorkspaceClientCapabilities> workspace;
  std::optional<TextDocumentClientCapabilities> textDocument;
  std::optional<GeneralClientCapabilities> general;
  bool operator==(const ClientCapabilities&) const = default;
};
void to_json(nlohmann::json& out, const ClientCapabilities& value);

struct ClientInfo {
  std::string name;
  std::optional<std::string> version;
  bool operator==(const ClientInfo&) const = default;
};
void to_json(nlohmann::json& out, const ClientInfo& value);

struct WorkspaceFolder {
  std::string uri;
  std::string name;
  bool operator==(const WorkspaceFolder&) const = default;
};
void to_json(nlohmann::json& out, const WorkspaceFolder& value);

struct InitializeParams {
  std::optional<std::int32_t> processId;
  std::optional<ClientInfo> clientInfo;
  std::optional<std::string> rootPath;
  std::optional<std::string> rootUri;
  ClientCapabilities capabilities;
  std::optional<std::vector<WorkspaceFolder>> workspaceFolders;
  bool operator==(const InitializeParams&) const = default;
};
void to_json(nlohmann::json& out, const InitializeParams& value);

struct ServerInfo {
  std::string name;
  std::optional<std::string> version;
  bool operator==(const ServerInfo&) const = default;
};
void to_json(nlohmann::json& out, const ServerInfo& value);

struct SaveOptions {
  std::optional<bool> includeText;
  bool operator==(const SaveOptions&) const = default;
};
void to_json(nlohmann::json& out, const SaveOptions& value);

struct TextDocumentSyncOptions {
  std::optional<bool> openClose;
  std::optional<TextDocumentSyncKind> change;
  std::optional<bool> willSave;
  std::optional<bool> willSaveWaitUntil;
  std::optional<std::variant<bool, SaveOptions>> save;
  bool operator==(const TextDocumentSyncOptions&) const = default;
};
void to_json(nlohmann::json& out, const TextDocumentSyncOptions& value);

struct CompletionOptions {
  std::optional<std::vector<std::string>> triggerCharacters;
  std::optional<std::vector<std::string>> allCommitCharacters;
  std::optional<bool> resolveProvider;
  bool operator==(const CompletionOptions&) const = default;
};
void to_json(nlohmann::json& out, const CompletionOptions& value);

struct InlineCompletionOptions {
  std::optional<bool> workDoneProgress;
  bool operator==(const InlineCompletionOptions&) const = default;
};
void to_json(nlohmann::json& out, const InlineCompletionOptions& value);

struct ExecuteCommandOptions {
  std::vector<std::string> commands;
  std::optional<bool> workDoneProgress;
  bool operator==(const ExecuteCommandOptions&) const = default;
};
void to_json(nlohmann::json& out, const ExecuteCommandOptions& value);

struct ServerCapabilities {
  std::optional<PositionEncodingKind> positionEncoding;
  std::optional<std::variant<TextDocumentSyncOptions, TextDocumentSyncKind>> textDocumentSync;
  std::optional<CompletionOptions> completionProvider;
  std::optional<std::variant<bool, InlineCompletionOptions>> inlineCompletionProvider;
  std::optional<ExecuteCommandOptions> executeCommandProvider;
  bool operator==(const ServerCapabilities&) const = default;
};
void to_json(nlohmann::json& out, const ServerCapabilities& value);

struct InitializeResult {
  ServerCapabilities capabilities;
  std::optional<ServerInfo> serverInfo;
  bool operator==(const InitializeResult&) const = default;
};
void to_json(nlohmann::json& out, const InitializeResult& value);

struct Registration {
  std::string id;
  std::string method;
  std::optional<nlohmann::json> registerOptions;
  bool operator==(const Registration&) const = default;
};
void to_json(nlohmann::json& out, const Registration& value);

struct RegistrationParams {
  std::vector<Registration> registrations;
  bool operator==(const RegistrationParams&) const = default;
};
void to_json(nlohmann::json& out, const RegistrationParams& value);

struct Unregistration {
  std::string id;
  std::string method;
  bool operator==(const Unregistration&) const = default;
};
void to_json(nlohmann::json& out, const Unregistration& value);

struct UnregistrationParams {
  std::vector<Unregistration> unregisterations;
  bool operator==(const UnregistrationParams&) const = default;
};
void to_json(nlohmann::json& out, const UnregistrationParams& value);

struct ExecuteCommandRegistrationOptions {
  std::vector<std::string> commands;
  bool operator==(const ExecuteCommandRegistrationOptions&) const = default;
};
void to_json(nlohmann::json& out, const ExecuteCommandRegistrationOptions& value);

struct CancelParams {
  std::variant<std::int32_t, std::string> id;
  bool operator==(const CancelParams&) const = default;
};
void to_json(nlohmann::json& out, const CancelParams& value);

struct Position {
  std::uint32_t line = 0;
  std::uint32_t character = 0;  // code units of the negotiated encoding, UTF-16 by default
  bool operator==(const Position&) const = default;
};
void to_json(nlohmann::json& out, const Position& value);

struct Range {
  Position start;
  Position end;
  bool operator==(const Range&) const = default;
};
void to_json(nlohmann::json& out, const Range& value);

struct Location {
  std::string uri;
  Range range;
  bool operator==(const Location&) const = default;
};
void to_json(nlohmann::json& out, const Location& value);

struct TextDocumentIdentifier {
  std::string uri;
  bool operator==(const TextDocumentIdentifier&) const = default;
};
void to_json(nlohmann::json& out, const TextDocumentIdentifier& value);

struct VersionedTextDocumentIdentifier {
  std::string uri;
  std::optional<std::int32_t> version;
  bool operator==(const VersionedTextDocumentIdentifier&) const = default;
};
void to_json(nlohmann::json& out, const VersionedTextDocumentIdentifier& value);

struct TextDocumentItem {
  std::string uri;
  std::optional<LanguageKind> languageId;
  std::optional<std::int32_t> version;
  std::string text;
  bool operator==(const TextDocumentItem&) const = default;
};
void to_json(nlohmann::json& out, const TextDocumentItem& value);

struct DidOpenTextDocumentParams {
  TextDocumentItem textDocument;
  bool operator==(const DidOpenTextDocumentParams&) const = default;
};
void to_json(nlohmann::json& out, const DidOpenTextDocumentParams& value);

struct TextDocumentContentChangePartial {
  Range range;
  std::string text;
  bool operator==(const TextDocumentContentChangePartial&) const = default;
};
void to_json(nlohmann::json& out, const TextDocumentContentChangePartial& value);

struct TextDocumentContentChangeWholeDocument {
  std::string text;
  bool operator==(const TextDocumentContentChangeWholeDocument&) const = default;
};
void to_json(nlohmann::json& out, const TextDocumentContentChangeWholeDocument& value);

struct DidChangeTextDocumentParams {
  VersionedTextDocumentIdentifier textDocument;
  std::vector<std::variant<TextDocumentContentChangePartial, TextDocumentContentChangeWholeDocument>> contentChanges;
  bool operator==(const DidChangeTextDocumentParams&) const = default;
};
void to_json(nlohmann::json& out, const DidChangeTextDocumentParams& value);

struct DidSaveTextDocumentParams {
  TextDocumentIdentifier textDocument;
  std::optional<std::string> text;
  bool operator==(const DidSaveTextDocumentParams&) const = default;
};
void to_json(nlohmann::json& out, const DidSaveTextDocumentParams& value);

struct DidCloseTextDocumentParams {
  TextDocumentIdentifier textDocument;
  bool operator==(const DidCloseTextDocumentParams&) const = default;
};
void to_json(nlohmann::json& out, const DidCloseTextDocumentParams& value);

struct FileRename {
  std::string oldUri;
  std::string newUri;
  bool operator==(const FileRename&) const = default;
};
void to_json(nlohmann::json& out, const FileRename& value);

struct RenameFilesParams {
  std::vector<FileRename> files;
  bool operator==(const RenameFilesParams&) const = default;
};
void to_json(nlohmann::json& out, const RenameFilesParams& value);

struct Command {
  std::optional<std::string> title;
  std::string command;
  std::optional<std::vector<nlohmann::json>> arguments;
  bool operator==(const Command&) const = default;
};
void to_json(nlohmann::json& out, const Command& value);

struct TextEdit {
  Range range;
  std::string newText;
  bool operator==(const TextEdit&) const = default;
};
void to_json(nlohmann::json& out, const TextEdit& value);

struct InsertReplaceEdit {
  std::string newText;
  Range insert;
  Range replace;
  bool operator==(const InsertReplaceEdit&) const = default;
};
void to_json(nlohmann::json& out, const InsertReplaceEdit& value);

struct CompletionContext {
  CompletionTriggerKind triggerKind{};
  std::optional<std::string> triggerCharacter;
  bool operator==(const CompletionContext&) const = default;
};
void to_json(nlohmann::json& out, const CompletionContext& value);

struct CompletionParams {
  TextDocumentIdentifier textDocument;
  Position position;
  std::optional<CompletionContext> context;
  bool operator==(const CompletionParams&) const = default;
};
void to_json(nlohmann::json& out, const CompletionParams& value);

struct CompletionItem {
  std::string label;
  std::optional<CompletionItemKind> kind;
  std::optional<bool> preselect;
  std::optional<std::string> sortText;
  std::optional<std::string> filterText;
  std::optional<std::string> insertText;
  std::optional<InsertTextFormat> insertTextFormat;
  std::optional<InsertTextMode> insertTextMode;
  std::optional<std::variant<TextEdit, InsertReplaceEdit>> textEdit;
  std::optional<std::string> textEditText;
  std::optional<std::vector<TextEdit>> additionalTextEdits;
  std::optional<Command> command;
  std::optional<nlohmann::json> data;
  bool operator==(const CompletionItem&) const = default;
};
void to_json(nlohmann::json& out, const CompletionItem& value);

struct EditRangeWithInsertReplace {
  Range insert;
  Range replace;
  bool operator==(const EditRangeWithInsertReplace&) const = default;
};
void to_json(nlohmann::json& out, const EditRangeWithInsertReplace& value);

struct CompletionItemDefaults {
  std::optional<std::vector<std::string>> commitCharacters;
  std::optional<std::variant<Range, EditRangeWithInsertReplace>> editRange;
  std::optional<InsertTextFormat> insertTextFormat;
  std::optional<InsertTextMode> insertTextMode;
  std::optional<nlohmann::json> data;
  bool operator==(const CompletionItemDefaults&) const = default;
};
void to_json(nlohmann::json& out, const CompletionItemDefaults& value);

struct CompletionList {
  std::optional<bool> isIncomplete;
  std::optional<CompletionItemDefaults> itemDefaults;
  std::vector<CompletionItem> items;
  bool operator==(const CompletionList&) const = default;
};
void to_json(nlohmann::json& out, const CompletionList& value);

struct StringValue {
  // kind: always "snippet"
  std::string value;
  bool operator==(const StringValue&) const = default;
};
void to_json(nlohmann::json& out, const StringValue& value);

struct SelectedCompletionInfo {
  Range range;
  std::string text;
  bool operator==(const SelectedCompletionInfo&) const = default;
};
void to_json(nlohmann::json& out, const SelectedCompletionInfo& value);

struct InlineCompletionContext {
  InlineCompletionTriggerKind triggerKind{};
  std::optional<SelectedCompletionInfo> selectedCompletionInfo;
  bool operator==(const InlineCompletionContext&) const = default;
};
void to_json(nlohmann::json& out, const InlineCompletionContext& value);

struct InlineCompletionParams {
  TextDocumentIdentifier textDocument;
  Position position;
  InlineCompletionContext context;
  bool operator==(const InlineCompletionParams&) const = default;
};
void to_json(nlohmann::json& out, const InlineCompletionParams& value);

struct InlineCompletionItem {
  std::variant<std::string, StringValue> insertText;
  std::optional<std::string> filterText;
  std::optional<Range> range;
  std::optional<Command> command;
  bool operator==(const InlineCompletionItem&) const = default;
};
void to_json(nlohmann::json& out, const InlineCompletionItem& value);

struct InlineCompletionList {
  std::vector<InlineCompletionItem> items;
  bool operator==(const InlineCompletionList&) const = default;
};
void to_json(nlohmann::json& out, const InlineCompletionList& value);

struct ExecuteCommandParams {
  std::string command;
  std::optional<std::vector<nlohmann::json>> arguments;
  bool operator==(const ExecuteCommandParams&) const = default;
};
void to_json(nlohmann::json& out, const ExecuteCommandParams& value);

struct MarkupContent {
  std::string value;
  bool operator==(const MarkupContent&) const = default;
};
void to_json(nlohmann::json& out, const MarkupContent& value);

struct Diagnostic {
  Range range;
  std::optional<DiagnosticSeverity> severity;
  std::optional<std::variant<std::int32_t, std::string>> code;
  std::optional<std::string> source;
  std::variant<std::string, MarkupContent> message;
  bool operator==(const Diagnostic&) const = default;
};
void to_json(nlohmann::json& out, const Diagnostic& value);

struct PublishDiagnosticsParams {
  std::string uri;
  std::optional<std::int32_t> version;
  std::vector<Diagnostic> diagnostics;
  bool operator==(const PublishDiagnosticsParams&) const = default;
};
void to_json(nlohmann::json& out, const PublishDiagnosticsParams& value);

struct OptionalVersionedTextDocumentIdentifier {
  std::string uri;
  std::optional<std::int32_t> version;
  bool operator==(const OptionalVersionedTextDocumentIdentifier&) const = default;
};
void to_json(nlohmann::json& out, const OptionalVersionedTextDocumentIdentifier& value);

struct AnnotatedTextEdit {
  Range range;
  std::string newText;
  std::string annotationId;
  bool operator==(const AnnotatedTextEdit&) const = default;
};
void to_json(nlohmann::json& out, const AnnotatedTextEdit& value);

struct SnippetTextEdit {
  Range range;
  StringValue snippet;
  std::optional<std::string> annotationId;
  bool operator==(const SnippetTextEdit&) const = default;
};
void to_json(nlohmann::json& out, const SnippetTextEdit& value);

struct TextDocumentEdit {
  OptionalVersionedTextDocumentIdentifier textDocument;
  std::vector<std::variant<TextEdit, AnnotatedTextEdit, SnippetTextEdit>> edits;
  bool operator==(const TextDocumentEdit&) const = default;
};
void to_json(nlohmann::json& out, const TextDocumentEdit& value);

struct CreateFile {
  // kind: always "create"
  std::string uri;
  bool operator==(const CreateFile&) const = default;
};
void to_json(nlohmann::json& out, const CreateFile& value);

struct RenameFile {
  // kind: always "rename"
  std::string oldUri;
  std::string newUri;
  bool operator==(const RenameFile&) const = default;
};
void to_json(nlohmann::json& out, const RenameFile& value);

struct DeleteFile {
  // kind: always "delete"
  std::string uri;
  bool operator==(const DeleteFile&) const = default;
};
void to_json(nlohmann::json& out, const DeleteFile& value);

struct WorkspaceEdit {
  std::optional<std::map<std::string, std::vector<TextEdit>>> changes;
  std::optional<std::vector<std::variant<TextDocumentEdit, CreateFile, RenameFile, DeleteFile>>> documentChanges;
  bool operator==(const WorkspaceEdit&) const = default;
};
void to_json(nlohmann::json& out, const WorkspaceEdit& value);

struct ApplyWorkspaceEditParams {
  std::optional<std::string> label;
  WorkspaceEdit edit;
  bool operator==(const ApplyWorkspaceEditParams&) const = default;
};
void to_json(nlohmann::json& out, const ApplyWorkspaceEditParams& value);

struct ApplyWorkspaceEditResult {
  bool applied = false;
  bool operator==(const ApplyWorkspaceEditResult&) const = default;
};
void to_json(nlohmann::json& out, const ApplyWorkspaceEditResult& value);

using TextDocumentContentChangeEvent = std::variant<TextDocumentContentChangePartial, TextDocumentContentChangeWholeDocument>;

// What answers textDocument/completion.
using CompletionResult = std::optional<std::variant<std::vector<CompletionItem>, CompletionList>>;

// What answers textDocument/inlineCompletion.
using InlineCompletionResult = std::optional<std::variant<InlineCompletionList, std::vector<InlineCompletionItem>>>;

// What answers textDocument/formatting.
using FormattingResult = std::optional<std::vector<TextEdit>>;

}  // namespace strop::lsp
