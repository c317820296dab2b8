#include "assistant/store.h"

#include <charconv>

#include "assistant/schema.h"
#include "assistant/store_parts.h"

namespace sputnik::assistant {

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& path) {
  SPUTNIK_TRY(Database database, Database::open(path, store_migrations()));
  // What was uploaded for a question that was never asked.
  SPUTNIK_CHECK_OK(
      database.execute("DELETE FROM attachment WHERE message_id IS NULL AND created_ms < ?1",
                       now_ms() - std::int64_t{24} * 3600 * 1000));
  return std::unique_ptr<Store>(new Store(std::move(database)));
}

Result<std::unique_ptr<Store>> Store::open_in_memory() {
  SPUTNIK_TRY(Database database, Database::open_in_memory(store_migrations()));
  return std::unique_ptr<Store>(new Store(std::move(database)));
}

// ------------------------------------------------------------------------------------------------

namespace {

constexpr std::string_view kConversationColumns =
    "c.id, c.title, c.title_is_automatic, c.folder_id, c.persona_id, c.pinned, c.archived, "
    "c.created_ms, c.updated_ms, c.active_leaf_id, c.draft, c.options, c.source, "
    "(SELECT count(*) FROM message m WHERE m.conversation_id = c.id), "
    "EXISTS(SELECT 1 FROM message m WHERE m.state = 'running' AND m.conversation_id = c.id)";

Conversation conversation_of(const Statement& row) {
  Conversation c;
  c.id = row.integer(0);
  c.title = row.text(1);
  c.title_is_automatic = row.integer(2) != 0;
  c.folder_id = row.optional_integer(3);
  c.persona_id = row.optional_integer(4);
  c.pinned = row.integer(5) != 0;
  c.archived = row.integer(6) != 0;
  c.created_ms = row.integer(7);
  c.updated_ms = row.integer(8);
  c.active_leaf_id = row.optional_integer(9);
  c.draft = row.text(10);
  c.options = row.text(11);
  c.source = row.text(12);
  c.n_messages = row.integer(13);
  c.running = row.integer(14) != 0;
  return c;
}

struct Cursor {
  std::int64_t pinned = 0, updated_ms = 0, id = 0;
};

// "1.1700000000000.17"
std::optional<Cursor> cursor_of(std::string_view text) {
  Cursor cursor;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::int64_t* part : {&cursor.pinned, &cursor.updated_ms, &cursor.id}) {
    const auto [next, failure] = std::from_chars(at, end, *part);
    if (failure != std::errc()) return std::nullopt;
    at = next;
    if (part != &cursor.id && (at == end || *at++ != '.')) return std::nullopt;
  }
  if (at != end) return std::nullopt;
  return cursor;
}

}  // namespace

Result<void> Store::require(std::string_view table, std::int64_t id) {
  SPUTNIK_TRY(Statement row,
              database_.query(fmt::format("SELECT 1 FROM {} WHERE id = ?1", table), id));
  SPUTNIK_TRY(const bool is_there, row.step());
  if (!is_there) return not_found("there is no such {}", table);
  return ok_result();
}

Result<std::int64_t> Store::count(std::string_view table) {
  SPUTNIK_TRY(Statement row, database_.query(fmt::format("SELECT count(*) FROM {}", table)));
  SPUTNIK_TRY(const bool is_there, row.step());
  return is_there ? row.integer(0) : 0;
}

Result<Conversation> Store::read_conversation(std::int64_t id) {
  SPUTNIK_TRY(
      Statement row,
      database_.query(
          fmt::format("SELECT {} FROM conversation c WHERE c.id = ?1", kConversationColumns), id));
  SPUTNIK_TRY(const bool is_there, row.step());
  if (!is_there) return not_found("there is no such conversation");
  return conversation_of(row);
}

Result<Conversation> Store::add_conversation(const NewConversation& conversation) {
  SPUTNIK_CHECK_OK(bounded("title", conversation.title, limits::kTitle));
  SPUTNIK_CHECK_OK(bounded("options", conversation.options, limits::kJson));
  const std::lock_guard lock(mutex_);
  if (conversation.folder_id) SPUTNIK_CHECK_OK(require("folder", *conversation.folder_id));
  if (conversation.persona_id) SPUTNIK_CHECK_OK(require("persona", *conversation.persona_id));
  const std::int64_t now = now_ms();
  SPUTNIK_CHECK_OK(database_.execute(
      "INSERT INTO conversation(title, title_is_automatic, folder_id, persona_id, created_ms, "
      "updated_ms, options) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)",
      conversation.title, conversation.title.empty(), conversation.folder_id,
      conversation.persona_id, now, conversation.options));
  return read_conversation(database_.last_insert_id());
}

Result<Conversation> Store::conversation(std::int64_t id) {
  const std::lock_guard lock(mutex_);
  return read_conversation(id);
}

Result<ConversationPage> Store::conversations(const ConversationQuery& query) {
  // Beyond any row.
  Cursor after{2, 0, 0};
  if (!query.cursor.empty()) {
    const auto cursor = cursor_of(query.cursor);
    if (!cursor) return invalid_argument("cursor: it was not given by a page before");
    after = *cursor;
  }
  const std::lock_guard lock(mutex_);
  SPUTNIK_TRY(
      Statement row,
      database_.query(
          fmt::format("SELECT {} FROM conversation c WHERE c.archived = ?1 AND (?2 IS NULL OR "
                      "c.folder_id = ?2) AND (c.pinned, c.updated_ms, c.id) < (?3, ?4, ?5) "
                      "ORDER BY c.pinned DESC, c.updated_ms DESC, c.id DESC LIMIT ?6",
                      kConversationColumns),
          query.archived, query.folder_id, after.pinned, after.updated_ms, after.id,
          query.limit + 1));
  ConversationPage page;
  for (;;) {
    SPUTNIK_TRY(const bool is_there, row.step());
    if (!is_there) return page;
    if (static_cast<int>(page.conversations.size()) == query.limit) {
      const Conversation& last = page.conversations.back();
      page.next_cursor = fmt::format("{}.{}.{}", last.pinned ? 1 : 0, last.updated_ms, last.id);
      return page;
    }
    page.conversations.push_back(conversation_of(row));
  }
}

Result<Conversation> Store::change_conversation(std::int64_t id, const ConversationChange& change) {
  if (change.title) SPUTNIK_CHECK_OK(bounded("title", *change.title, limits::kTitle));
  if (change.draft) SPUTNIK_CHECK_OK(bounded("draft", *change.draft, limits::kText));
  if (change.options) SPUTNIK_CHECK_OK(bounded("options", *change.options, limits::kJson));
  const std::lock_guard lock(mutex_);
  const auto work = [&]() -> Result<void> {
    SPUTNIK_CHECK_OK(require("conversation", id));
    const auto set = [&](std::string_view column, const auto& value) {
      return database_.execute(fmt::format("UPDATE conversation SET {} = ?2 WHERE id = ?1", column),
                               id, value);
    };
    if (change.title) {
      SPUTNIK_CHECK_OK(set("title", *change.title));
      SPUTNIK_CHECK_OK(set("title_is_automatic", false));
    }
    if (change.draft) SPUTNIK_CHECK_OK(set("draft", *change.draft));
    if (change.options) SPUTNIK_CHECK_OK(set("options", *change.options));
    if (change.pinned) SPUTNIK_CHECK_OK(set("pinned", *change.pinned));
    if (change.archived) SPUTNIK_CHECK_OK(set("archived", *change.archived));
    if (change.folder_id) {
      if (*change.folder_id) SPUTNIK_CHECK_OK(require("folder", **change.folder_id));
      SPUTNIK_CHECK_OK(set("folder_id", *change.folder_id));
    }
    if (change.persona_id) {
      if (*change.persona_id) SPUTNIK_CHECK_OK(require("persona", **change.persona_id));
      SPUTNIK_CHECK_OK(set("persona_id", *change.persona_id));
    }
    if (change.show_message) {
      SPUTNIK_TRY(const Message message, read_message(*change.show_message));
      if (message.conversation_id != id)
        return invalid_argument("active_leaf_id: this message is of another conversation");
      SPUTNIK_TRY(const std::int64_t leaf, newest_leaf_below(message.id));
      SPUTNIK_CHECK_OK(set("active_leaf_id", leaf));
    }
    return ok_result();
  };
  SPUTNIK_CHECK_OK(database_.transaction(work));
  return read_conversation(id);
}

Result<void> Store::remove_conversation(std::int64_t id) {
  const std::lock_guard lock(mutex_);
  SPUTNIK_CHECK_OK(database_.execute("DELETE FROM conversation WHERE id = ?1", id));
  if (database_.n_changed() == 0) return not_found("there is no such conversation");
  return ok_result();
}

Result<void> Store::set_automatic_title(std::int64_t id, std::string_view title) {
  const std::lock_guard lock(mutex_);
  return database_.execute(
      "UPDATE conversation SET title = ?2 WHERE id = ?1 AND title_is_automatic AND title = ''", id,
      title);
}

}  // namespace sputnik::assistant
