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
};

class Editor {
 public:
  // `extension`: one of Strop's own is installed, and reports.
  Editor(LspClient& client, Shape shape, bool extension = false)
      : client_(client), shape_(shape), extension_(extension) {}

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
  bool extension() const { return extension_; }

  // Replaces [begin, end) by `with`, in one change; the cursor ends behind it.
  void edit(std::size_t begin, std::size_t end, const std::string& with);
  void type(const std::string& keys) { edit(cursor_, cursor_, keys); }

  // Asks for inline completions here; the items as the editor understands them.
  std::vector<Item> complete();

  // Applies an item as this kind of editor does; `next_key`: pressed before the editor has told.
  void accept(const Item& item, const std::string& next_key = "");

  // What an extension of Strop's own says of an item: editor-extensions/PROTOCOL.md.
  void report_shown(const Item& item);
  void report_part(const Item& item);  // all up to the cursor is accepted
  void report_rejected(const Item& item);

 private:
  struct Change {
    std::size_t begin;
    std::size_t end;
    std::string with;
  };
  void announce();
  void report(const std::string& method, nlohmann::json params);
  void change(const std::vector<Change>& changes);

  LspClient& client_;
  Shape shape_;
  bool extension_;
  Encoding encoding_ = Encoding::kUtf16;
  bool full_sync_ = false;
  double now_ms_ = 1'000'000;
  std::string uri_;
  int version_ = 0;
  NaiveDocument document_;
  std::size_t cursor_ = 0;
};

}  // namespace strop::simulation
