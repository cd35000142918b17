// The simulated editor: one open document, its cursor, ghost text, and the messages all that makes
// on the wire.
//
// Owns nothing but its state; uses an LspClient and announces the virtual time before each message.
// One thread. It knows how kinds of editor put an accept on the wire (see Shape). The
// developer who uses it is typist.h.
#pragma once

#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "simulation/dialect.h"
#include "simulation/lsp_client.h"
#include "simulation/naive_document.h"

namespace strop::simulation {

// How an accept looks on the wire.
enum class Shape {
  kReplaceAndCommand,    // one change over the item's range, then its command (VS Code)
  kRemainderAndCommand,  // only what is missing is inserted, then the command (Neovim 0.12)
  kChangeOnly,           // one change, no command (an editor that ignores item.command)
  kDeleteThenInsert,     // one notification with two changes, no command (eglot 1.9)
  kSixNotifications,     // delete, insert, delete, restore, delete, insert, one each (lsp-mode 8)
  kSingleCharacters,     // one notification of one-character changes, which may hold the next key
                         // too (Neovim 0.7)
};
// Whether such an editor runs the accepted item's command.
bool runs_commands(Shape shape);

std::optional<Shape> shape_by_name(const std::string& name);

struct Item {
  std::string text;
  std::size_t begin = 0;  // the range it replaces, in bytes of the document when it was offered
  std::size_t end = 0;
  nlohmann::json command;
  nlohmann::json sent;  // the whole item, as it came
  nlohmann::json mark;  // by which the dialect speaks of it
  std::size_t index = 0;
};

class Editor {
 public:
  // `extension`: one of Strop's own is installed, and reports.
  Editor(LspClient& client, Shape shape, bool extension = false, Dialect dialect = Dialect::kLsp)
      : client_(client), shape_(shape), extension_(extension), dialect_(dialect) {}

  // initialize / initialized. Learns sync kind and encoding.
  void start(const std::string& root_uri);

  double now() const { return now_ms_; }
  void wait(double ms);

  void open(const std::string& uri, const std::string& language, const std::string& text,
            std::size_t cursor);
  void close();
  void save();

  const std::string& text() const { return document_.text(); }
  std::size_t cursor() const { return cursor_; }
  void move_to(std::size_t cursor) { cursor_ = cursor; }
  nlohmann::json position() const { return document_.position(cursor_); }
  const std::string& uri() const { return uri_; }
  // Whether the editor says so when the developer dismisses, or accepts, an item.
  bool tells_rejects() const;
  bool tells_accept(const Item& item) const;

  // Replaces [begin, end) by `with`, in one change; the cursor ends behind it.
  void edit(std::size_t begin, std::size_t end, const std::string& with);
  void type(const std::string& keys) { edit(cursor_, cursor_, keys); }

  struct Change {
    std::size_t begin;
    std::size_t end;
    std::string with;
  };
  // Several changes, one after the other, in one notification. The cursor ends behind the last.
  void change(const std::vector<Change>& changes);
  // The same, told as the whole text. The cursor stays.
  void change_as_whole(const std::vector<Change>& changes);
  // Called with each change when it is made, and the text that it replaced.
  using Watcher = std::function<void(const Change& change, const std::string& replaced)>;
  void on_change(Watcher watcher) { watcher_ = std::move(watcher); }
  // Another document is opened, typed into and closed; this one stays as it is.
  void visit(const std::string& uri, const std::string& keys);

  // Asks for inline completions here; the items as the editor understands them. `invoked`: by
  // hand, for more of them.
  std::vector<Item> complete(bool invoked = false);
  // The same, but a key is pressed before the answer is there.
  std::vector<Item> complete_while_typing(const std::string& keys);

  // Applies an item as this kind of editor does; `next_key`: pressed before the editor has told.
  void apply(const Item& item, const std::string& next_key = "") {
    write_accepted(item.begin, item.text, next_key);
  }
  // What is told of an accept, if anything is; to be sent by `send`.
  std::optional<Told> told_of_accept(const Item& item) const;
  void send(const std::optional<Told>& told);
  void run(const nlohmann::json& command);
  void accept(const Item& item, const std::string& next_key = "") {
    apply(item, next_key);
    send(told_of_accept(item));
  }
  Shape shape() const { return shape_; }
  bool full_sync() const { return full_sync_; }

  // Puts `with` where `replaced` stands before the cursor, the way an accept looks on the wire.
  void write_accepted(std::size_t begin, const std::string& with, const std::string& next_key = "");

  // As editors put a server's text into the document: with its line ends.
  std::string fitted(std::string text) const {
    return document_.crlf() ? with_crlf(text) : std::move(text);
  }

  // Any other message, with the time before it.
  void tell(const std::string& method, nlohmann::json params);
  nlohmann::json ask(const std::string& method, nlohmann::json params);
  LspClient& client() { return client_; }
  nlohmann::json identifier() const { return {{"uri", uri_}}; }
  nlohmann::json position_of(std::size_t offset) const { return document_.position(offset); }
  std::size_t offset_of(const nlohmann::json& position) const { return document_.offset(position); }

  // What an extension of Strop's own, or the dialect, says of an item.
  void report_shown(const Item& item);
  void report_part(const Item& item);  // all up to the cursor is accepted
  void report_rejected(const Item& item);

 private:
  void announce();
  void put(const Change& change);
  nlohmann::json inline_params(bool invoked) const;
  std::vector<Item> items_of(const nlohmann::json& answer) const;
  std::optional<Item> item_of(const nlohmann::json& sent, const nlohmann::json& result) const;
  static Told tabby_event(const Item& item, const char* type);

  LspClient& client_;
  Shape shape_;
  bool extension_;
  Dialect dialect_;
  Encoding encoding_ = Encoding::kUtf16;
  bool full_sync_ = false;
  double now_ms_ = 1'000'000;
  std::string uri_;
  int version_ = 0;
  NaiveDocument document_;
  std::size_t cursor_ = 0;
  Watcher watcher_;
};

}  // namespace strop::simulation
