// Full-text search, and archives on their way in.
#include "assistant/store.h"
#include "assistant/store_parts.h"

namespace sputnik::assistant {
namespace {

constexpr std::size_t kMaxWords = 32;

// Whatever somebody types is words, none of it FTS5's language: each between quotes. The last one
// may go on.
std::string match_expression(std::string_view text) {
  std::string expression;
  std::size_t n_words = 0;
  while (!text.empty() && n_words < kMaxWords) {
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    const std::size_t end = text.find_first_of(" \t\r\n");
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(word.size());
    std::string quoted;
    for (const char c : word) {
      if (c == '\0') continue;
      quoted += c;
      if (c == '"') quoted += c;
    }
    if (quoted.empty()) continue;
    expression += (n_words++ == 0 ? "\"" : " \"") + quoted + "\"";
  }
  return expression.empty() ? expression : expression + "*";
}

}  // namespace

Result<std::vector<SearchResult>> Store::search(std::string_view words, int limit, int offset) {
  SPUTNIK_CHECK_OK(bounded("q", words, limits::kTitle));
  const std::string expression = match_expression(words);
  std::vector<SearchResult> results;
  if (expression.empty()) return results;
  const std::lock_guard lock(mutex_);
  // Of a message the column counts that has the hit: the answer before the thought.
  SPUTNIK_TRY(
      Statement row,
      database_.query(
          "SELECT conversation_id, message_id, field, snippet FROM ("
          "SELECT rowid AS conversation_id, NULL AS message_id, 'title' AS field, "
          "snippet(title_search, 0, char(1), char(2), '…', 24) AS snippet, 0 AS place, "
          "bm25(title_search) AS score FROM title_search WHERE title_search MATCH ?1 UNION ALL "
          "SELECT m.conversation_id, m.id, CASE WHEN instr(highlight(message_search, 0, char(1), "
          "char(2)), char(1)) > 0 THEN 'content' ELSE 'reasoning' END, "
          "snippet(message_search, -1, char(1), char(2), '…', 24), 1, "
          "bm25(message_search, 2.0, 1.0) FROM message_search JOIN message m ON m.id = "
          "message_search.rowid WHERE message_search MATCH ?1) "
          "ORDER BY place, score, conversation_id, message_id LIMIT ?2 OFFSET ?3",
          expression, limit, offset));
  std::vector<std::int64_t> conversations;
  for (;;) {
    SPUTNIK_TRY(const bool is_there, row.step());
    if (!is_there) break;
    SearchResult result;
    conversations.push_back(row.integer(0));
    result.message_id = row.optional_integer(1);
    result.field = row.text(2);
    result.snippet = row.text(3);
    results.push_back(std::move(result));
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    SPUTNIK_TRY(results[i].conversation, read_conversation(conversations[i]));
  }
  return results;
}

// ------------------------------------------------------------------------------------------------

Result<std::int64_t> Store::add_archived(const ArchivedConversation& conversation) {
  SPUTNIK_CHECK_OK(bounded("title", conversation.title, limits::kTitle));
  SPUTNIK_CHECK_OK(bounded("draft", conversation.draft, limits::kText));
  SPUTNIK_CHECK_OK(bounded("options", conversation.options, limits::kJson));
  if (static_cast<std::int64_t>(conversation.messages.size()) > limits::kMessages)
    return exhausted("{} messages, at most {} are kept", conversation.messages.size(),
                     limits::kMessages);
  SPUTNIK_CHECK_OK(database_.execute(
      "INSERT INTO conversation(title, title_is_automatic, pinned, archived, created_ms, "
      "updated_ms, draft, options, source) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
      conversation.title, conversation.title_is_automatic, conversation.pinned,
      conversation.archived, conversation.created_ms, conversation.updated_ms, conversation.draft,
      conversation.options, conversation.source));
  const std::int64_t id = database_.last_insert_id();
  std::vector<std::int64_t> ids;
  for (const ArchivedMessage& archived : conversation.messages) {
    SPUTNIK_ASSERT(archived.parent < static_cast<int>(ids.size()));
    NewMessage message;
    message.conversation_id = id;
    if (archived.parent >= 0) message.parent_id = ids[static_cast<std::size_t>(archived.parent)];
    message.role = archived.role;
    message.content = archived.content;
    message.reasoning = archived.reasoning;
    // Nobody writes it any more.
    message.state =
        archived.state == MessageState::kRunning ? MessageState::kInterrupted : archived.state;
    message.choice = archived.choice;
    message.options = archived.options;
    message.facts = archived.facts;
    message.attachments = archived.attachments;
    SPUTNIK_TRY(const std::int64_t made, insert_message(message));
    SPUTNIK_CHECK_OK(bounded("receipt", archived.receipt, limits::kText));
    SPUTNIK_CHECK_OK(database_.execute(
        "UPDATE message SET created_ms = ?2, updated_ms = ?3, receipt = ?4 WHERE id = ?1", made,
        archived.created_ms, archived.updated_ms, archived.receipt));
    ids.push_back(made);
  }
  std::optional<std::int64_t> leaf;
  if (conversation.active_leaf >= 0) {
    leaf = ids[static_cast<std::size_t>(conversation.active_leaf)];
  } else if (!ids.empty()) {
    leaf = ids.back();
  }
  if (leaf) {
    SPUTNIK_TRY(leaf, newest_leaf_below(*leaf));
  }
  SPUTNIK_CHECK_OK(
      database_.execute("UPDATE conversation SET active_leaf_id = ?2 WHERE id = ?1", id, leaf));
  return id;
}

Result<std::vector<std::int64_t>> Store::add_all(const Archive& archive) {
  std::vector<std::int64_t> ids;
  const std::lock_guard lock(mutex_);
  const auto work = [&]() -> Result<void> {
    std::vector<std::int64_t> folder_ids, persona_ids;
    SPUTNIK_TRY(std::int64_t n_folders, count("folder"));
    for (const std::string& name : archive.folders) {
      SPUTNIK_CHECK_OK(bounded("folder", name, limits::kName));
      // A folder of this name is taken rather than doubled.
      SPUTNIK_TRY(Statement row,
                  database_.query("SELECT id FROM folder WHERE name = ?1 ORDER BY id", name));
      SPUTNIK_TRY(const bool is_there, row.step());
      if (is_there) {
        folder_ids.push_back(row.integer(0));
        continue;
      }
      if (++n_folders > limits::kRows) return exhausted("more than {} folders", limits::kRows);
      SPUTNIK_CHECK_OK(
          database_.execute("INSERT INTO folder(name, position) VALUES (?1, ?2)", name, n_folders));
      folder_ids.push_back(database_.last_insert_id());
    }
    SPUTNIK_TRY(std::int64_t n_personas, count("persona"));
    for (const NewPersona& persona : archive.personas) {
      SPUTNIK_CHECK_OK(bounded("persona: name", persona.name, limits::kName));
      SPUTNIK_CHECK_OK(
          bounded("persona: instructions", persona.instructions, limits::kInstructions));
      SPUTNIK_CHECK_OK(bounded("persona: options", persona.options, limits::kJson));
      SPUTNIK_TRY(Statement row,
                  database_.query("SELECT id FROM persona WHERE name = ?1 AND "
                                  "instructions = ?2 AND options = ?3",
                                  persona.name, persona.instructions, persona.options));
      SPUTNIK_TRY(const bool is_there, row.step());
      if (is_there) {
        persona_ids.push_back(row.integer(0));
        continue;
      }
      if (++n_personas > limits::kRows) return exhausted("more than {} personas", limits::kRows);
      SPUTNIK_CHECK_OK(
          database_.execute("INSERT INTO persona(name, instructions, options) VALUES (?1, ?2, ?3)",
                            persona.name, persona.instructions, persona.options));
      persona_ids.push_back(database_.last_insert_id());
    }
    for (const std::string& text : archive.notes) {
      SPUTNIK_CHECK_OK(bounded("note", text, limits::kNote));
      SPUTNIK_CHECK_OK(database_.execute(
          "INSERT INTO memory_note(text, created_ms, updated_ms) SELECT ?1, ?2, ?2 WHERE NOT "
          "EXISTS(SELECT 1 FROM memory_note WHERE text = ?1)",
          text, now_ms()));
    }
    SPUTNIK_TRY(const std::int64_t n_notes, count("memory_note"));
    if (n_notes > limits::kRows) return exhausted("more than {} notes", limits::kRows);
    // What somebody has set here stays.
    for (const auto& [key, value] : archive.settings) {
      SPUTNIK_CHECK_OK(bounded("settings: a key", key, limits::kName));
      SPUTNIK_CHECK_OK(bounded("settings", value, limits::kSetting));
      SPUTNIK_CHECK_OK(database_.execute(
          "INSERT OR IGNORE INTO setting(key, value) VALUES (?1, ?2)", key, value));
    }
    SPUTNIK_TRY(const std::int64_t n_settings, count("setting"));
    if (n_settings > limits::kRows) return exhausted("more than {} settings", limits::kRows);
    for (std::size_t i = 0; i < archive.conversations.size(); ++i) {
      const ArchivedConversation& conversation = archive.conversations[i];
      auto id = add_archived(conversation);
      if (!id.ok()) return std::move(id).error().in(fmt::format("conversation {}", i + 1));
      if (conversation.folder >= 0)
        SPUTNIK_CHECK_OK(
            database_.execute("UPDATE conversation SET folder_id = ?2 WHERE id = ?1", id.value(),
                              folder_ids[static_cast<std::size_t>(conversation.folder)]));
      if (conversation.persona >= 0)
        SPUTNIK_CHECK_OK(
            database_.execute("UPDATE conversation SET persona_id = ?2 WHERE id = ?1", id.value(),
                              persona_ids[static_cast<std::size_t>(conversation.persona)]));
      ids.push_back(id.value());
    }
    return ok_result();
  };
  SPUTNIK_CHECK_OK(database_.transaction(work));
  return ids;
}

}  // namespace sputnik::assistant
