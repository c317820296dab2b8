// Trees of messages.
#include <map>

#include "assistant/store.h"
#include "assistant/store_parts.h"

namespace sputnik::assistant {
namespace {

constexpr std::string_view kMessageColumns =
    "m.id, m.conversation_id, m.parent_id, m.role, m.content, m.reasoning, m.state, m.created_ms, "
    "m.updated_ms, m.generation_id, m.choice, m.n_events, m.options, m.facts, m.receipt <> ''";

Message message_of(const Statement& row) {
  Message m;
  m.id = row.integer(0);
  m.conversation_id = row.integer(1);
  m.parent_id = row.optional_integer(2);
  m.role = role_of(row.text(3)).value_or(Role::kUser);
  m.content = row.text(4);
  m.reasoning = row.text(5);
  m.state = state_of(row.text(6)).value_or(MessageState::kFailed);
  m.created_ms = row.integer(7);
  m.updated_ms = row.integer(8);
  m.generation_id = row.text(9);
  m.choice = static_cast<int>(row.integer(10));
  m.n_events = row.integer(11);
  m.options = row.text(12);
  m.facts = row.text(13);
  m.has_receipt = row.integer(14) != 0;
  return m;
}

// Rows of a query for kMessageColumns that ends with this; ?1 is the parameter.
std::string message_query(std::string_view rest) {
  return fmt::format("SELECT {} FROM message m {}", kMessageColumns, rest);
}

Result<void> check(const NewMessage& message) {
  SPUTNIK_CHECK_OK(bounded("content", message.content, limits::kText));
  SPUTNIK_CHECK_OK(bounded("reasoning", message.reasoning, limits::kText));
  SPUTNIK_CHECK_OK(bounded("options", message.options, limits::kJson));
  SPUTNIK_CHECK_OK(bounded("facts", message.facts, limits::kJson));
  if (message.attachments.size() + message.attachment_ids.size() > limits::kAttachments)
    return invalid_argument("attachments: more than {}", limits::kAttachments);
  return ok_result();
}

}  // namespace

Result<std::vector<Message>> Store::read_messages(Statement statement) {
  std::vector<Message> messages;
  std::map<std::int64_t, std::size_t> places;
  for (;;) {
    SPUTNIK_TRY(const bool is_there, statement.step());
    if (!is_there) break;
    messages.push_back(message_of(statement));
    places[messages.back().id] = messages.size() - 1;
  }
  // One query for the attachments of a message or two; one for all of a conversation.
  const auto collect = [&](Statement rows) -> Result<void> {
    for (;;) {
      SPUTNIK_TRY(const bool is_there, rows.step());
      if (!is_there) return ok_result();
      const auto place = places.find(rows.integer(1));
      if (place == places.end()) continue;
      messages[place->second].attachments.push_back(
          {rows.integer(0), rows.text(2), rows.text(3), rows.integer(4), {}});
    }
  };
  constexpr std::string_view kColumns =
      "SELECT a.id, a.message_id, a.name, a.media_type, length(CAST(a.text AS BLOB)) ";
  if (messages.empty()) return messages;
  if (messages.size() <= 2) {
    for (const Message& message : messages) {
      SPUTNIK_TRY(Statement rows,
                  database_.query(fmt::format("{}FROM attachment a WHERE a.message_id = ?1 "
                                              "ORDER BY a.id",
                                              kColumns),
                                  message.id));
      SPUTNIK_CHECK_OK(collect(std::move(rows)));
    }
  } else {
    SPUTNIK_TRY(Statement rows,
                database_.query(fmt::format("{}FROM message m JOIN attachment a ON a.message_id = "
                                            "m.id WHERE m.conversation_id = ?1 ORDER BY a.id",
                                            kColumns),
                                messages.front().conversation_id));
    SPUTNIK_CHECK_OK(collect(std::move(rows)));
  }
  return messages;
}

Result<Message> Store::read_message(std::int64_t id) {
  SPUTNIK_TRY(Statement row, database_.query(message_query("WHERE m.id = ?1"), id));
  SPUTNIK_TRY(std::vector<Message> messages, read_messages(std::move(row)));
  if (messages.empty()) return not_found("there is no such message");
  return std::move(messages.front());
}

Result<std::vector<Message>> Store::messages(std::int64_t conversation_id) {
  const std::lock_guard lock(mutex_);
  SPUTNIK_CHECK_OK(require("conversation", conversation_id));
  SPUTNIK_TRY(Statement rows,
              database_.query(message_query("WHERE m.conversation_id = ?1 ORDER BY m.id"),
                              conversation_id));
  return read_messages(std::move(rows));
}

Result<Message> Store::message(std::int64_t id) {
  const std::lock_guard lock(mutex_);
  return read_message(id);
}

Result<std::vector<Message>> Store::path_to(std::int64_t message_id) {
  const std::lock_guard lock(mutex_);
  SPUTNIK_CHECK_OK(require("message", message_id));
  // Parents are always older than their children, so that the order of ids is that of the path.
  SPUTNIK_TRY(
      Statement rows,
      database_.query(
          "WITH RECURSIVE path(id) AS (SELECT ?1 UNION ALL SELECT p.parent_id FROM path JOIN "
          "message p ON p.id = path.id WHERE p.parent_id IS NOT NULL) " +
              message_query("WHERE m.id IN (SELECT id FROM path) ORDER BY m.id"),
          message_id));
  return read_messages(std::move(rows));
}

// ------------------------------------------------------------------------------------------------

Result<void> Store::touch(std::int64_t conversation_id, std::int64_t now) {
  return database_.execute("UPDATE conversation SET updated_ms = ?2 WHERE id = ?1", conversation_id,
                           now);
}

Result<std::int64_t> Store::insert_attachment(const NewAttachment& attachment,
                                              std::optional<std::int64_t> message_id) {
  SPUTNIK_CHECK_OK(bounded("attachments: name", attachment.name, limits::kName));
  SPUTNIK_CHECK_OK(bounded("attachments: media_type", attachment.media_type, limits::kName));
  SPUTNIK_CHECK_OK(bounded("attachments: text", attachment.text, limits::kText));
  SPUTNIK_CHECK_OK(database_.execute(
      "INSERT INTO attachment(message_id, name, media_type, text, created_ms) VALUES (?1, ?2, ?3, "
      "?4, ?5)",
      message_id, attachment.name, attachment.media_type, attachment.text, now_ms()));
  return database_.last_insert_id();
}

Result<void> Store::insert_attachments(const NewMessage& message, std::int64_t id) {
  for (const std::int64_t known : message.attachment_ids) {
    SPUTNIK_CHECK_OK(require("attachment", known));
    SPUTNIK_CHECK_OK(database_.execute(
        "UPDATE attachment SET message_id = ?2 WHERE id = ?1 AND message_id IS NULL", known, id));
    if (database_.n_changed() > 0) continue;
    SPUTNIK_CHECK_OK(database_.execute(
        "INSERT INTO attachment(message_id, name, media_type, text, created_ms) SELECT ?2, name, "
        "media_type, text, created_ms FROM attachment WHERE id = ?1",
        known, id));
  }
  for (const NewAttachment& attachment : message.attachments) {
    SPUTNIK_TRY([[maybe_unused]] const std::int64_t made, insert_attachment(attachment, id));
  }
  return ok_result();
}

Result<std::int64_t> Store::insert_message(const NewMessage& message) {
  SPUTNIK_CHECK_OK(check(message));
  if (message.parent_id) {
    SPUTNIK_TRY(const Message parent, read_message(*message.parent_id));
    if (parent.conversation_id != message.conversation_id)
      return invalid_argument("parent_id: this message is of another conversation");
  }
  std::optional<std::string> generation_id;
  if (!message.generation_id.empty()) generation_id = message.generation_id;
  SPUTNIK_CHECK_OK(database_.execute(
      "INSERT INTO message(conversation_id, parent_id, role, content, reasoning, state, "
      "created_ms, "
      "updated_ms, generation_id, choice, options, facts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, "
      "?8, ?9, ?10, ?11)",
      message.conversation_id, message.parent_id, to_string(message.role), message.content,
      message.reasoning, to_string(message.state), now_ms(), generation_id, message.choice,
      message.options, message.facts));
  const std::int64_t id = database_.last_insert_id();
  SPUTNIK_CHECK_OK(insert_attachments(message, id));
  return id;
}

Result<std::vector<Message>> Store::add_turn(const std::optional<NewMessage>& question,
                                             std::span<const NewMessage> answers) {
  SPUTNIK_ASSERT(question || !answers.empty());
  const std::int64_t conversation_id =
      question ? question->conversation_id : answers.front().conversation_id;
  std::vector<std::int64_t> ids;
  std::vector<Message> made;
  const std::lock_guard lock(mutex_);
  const auto work = [&]() -> Result<void> {
    SPUTNIK_TRY(const Conversation conversation, read_conversation(conversation_id));
    const auto n_new = static_cast<std::int64_t>(answers.size() + (question ? 1 : 0));
    if (conversation.n_messages + n_new > limits::kMessages)
      return exhausted("this conversation has {} messages; begin a new one",
                       conversation.n_messages);
    if (question) {
      SPUTNIK_TRY(const std::int64_t id, insert_message(*question));
      ids.push_back(id);
    }
    for (NewMessage answer : answers) {
      if (question) answer.parent_id = ids.front();
      SPUTNIK_TRY(const std::int64_t id, insert_message(answer));
      ids.push_back(id);
    }
    const std::int64_t shown = question && !answers.empty() ? ids[1] : ids[0];
    SPUTNIK_CHECK_OK(database_.execute("UPDATE conversation SET active_leaf_id = ?2 WHERE id = ?1",
                                       conversation_id, shown));
    SPUTNIK_CHECK_OK(touch(conversation_id, now_ms()));
    for (const std::int64_t id : ids) {
      SPUTNIK_TRY(Message message, read_message(id));
      made.push_back(std::move(message));
    }
    return ok_result();
  };
  SPUTNIK_CHECK_OK(database_.transaction(work));
  return made;
}

Result<std::int64_t> Store::newest_leaf_below(std::int64_t message_id) {
  SPUTNIK_TRY(
      Statement row,
      database_.query("WITH RECURSIVE tree(id) AS (SELECT ?1 UNION ALL SELECT m.id FROM tree JOIN "
                      "message m ON m.parent_id = tree.id) SELECT max(id) FROM tree WHERE NOT "
                      "EXISTS(SELECT 1 FROM message m WHERE m.parent_id = tree.id)",
                      message_id));
  SPUTNIK_TRY(const bool is_there, row.step());
  return is_there ? row.integer(0) : message_id;
}

// After messages have gone: what is shown must be there, and must be an end.
Result<void> Store::repair_active_leaf(std::int64_t conversation_id,
                                       std::optional<std::int64_t> parent_id) {
  SPUTNIK_TRY(const Conversation conversation, read_conversation(conversation_id));
  std::optional<std::int64_t> from = conversation.active_leaf_id;
  if (from) {
    auto is_there = require("message", *from);
    if (!is_there.ok() && is_there.error().code != ErrorCode::kNotFound)
      return std::move(is_there).error();
    if (!is_there.ok()) from = parent_id;
  }
  if (!from) {
    SPUTNIK_TRY(Statement row, database_.query("SELECT max(id) FROM message WHERE "
                                               "conversation_id = ?1 AND parent_id IS NULL",
                                               conversation_id));
    SPUTNIK_TRY(const bool is_there, row.step());
    if (is_there) from = row.optional_integer(0);
  }
  if (from) {
    SPUTNIK_TRY(from, newest_leaf_below(*from));
  }
  return database_.execute("UPDATE conversation SET active_leaf_id = ?2 WHERE id = ?1",
                           conversation_id, from);
}

Result<std::vector<std::int64_t>> Store::remove_message(std::int64_t id, Children children) {
  std::vector<std::int64_t> gone;
  const std::lock_guard lock(mutex_);
  const auto work = [&]() -> Result<void> {
    SPUTNIK_TRY(const Message message, read_message(id));
    if (children == Children::kReattach) {
      gone.push_back(id);
      SPUTNIK_CHECK_OK(database_.execute("UPDATE message SET parent_id = ?2 WHERE parent_id = ?1",
                                         id, message.parent_id));
    } else {
      SPUTNIK_TRY(Statement rows,
                  database_.query("WITH RECURSIVE tree(id) AS (SELECT ?1 UNION ALL SELECT m.id "
                                  "FROM tree JOIN message m ON m.parent_id = tree.id) SELECT id "
                                  "FROM tree ORDER BY id",
                                  id));
      for (;;) {
        SPUTNIK_TRY(const bool is_there, rows.step());
        if (!is_there) break;
        gone.push_back(rows.integer(0));
      }
    }
    for (const std::int64_t one : gone)
      SPUTNIK_CHECK_OK(database_.execute("DELETE FROM message WHERE id = ?1", one));
    SPUTNIK_CHECK_OK(touch(message.conversation_id, now_ms()));
    return repair_active_leaf(message.conversation_id, message.parent_id);
  };
  SPUTNIK_CHECK_OK(database_.transaction(work));
  return gone;
}

// ------------------------------------------------------------------------------------------------

Result<Message> Store::restart_answer(std::int64_t id, std::string_view generation_id,
                                      std::string_view options, std::string_view facts) {
  SPUTNIK_CHECK_OK(bounded("options", options, limits::kJson));
  const std::lock_guard lock(mutex_);
  const auto work = [&]() -> Result<void> {
    SPUTNIK_CHECK_OK(database_.execute(
        "UPDATE message SET state = 'running', generation_id = ?2, choice = 0, n_events = 0, "
        "options = ?3, facts = ?4, receipt = '', updated_ms = ?5 WHERE id = ?1 AND role = "
        "'assistant' AND state <> 'running'",
        id, generation_id, options, facts, now_ms()));
    if (database_.n_changed() == 0) return not_found("there is no such answer that has ended");
    return ok_result();
  };
  SPUTNIK_CHECK_OK(database_.transaction(work));
  return read_message(id);
}

Result<void> Store::append(std::span<const AnswerPiece> pieces) {
  const std::lock_guard lock(mutex_);
  return database_.transaction([&]() -> Result<void> {
    for (const AnswerPiece& piece : pieces) {
      // What would not fit any more is left out rather than refused: the answer goes on.
      SPUTNIK_CHECK_OK(database_.execute(
          "UPDATE message SET content = CASE WHEN length(CAST(content AS BLOB)) + ?5 <= ?7 THEN "
          "content || ?3 ELSE content END, reasoning = CASE WHEN length(CAST(reasoning AS BLOB)) + "
          "?6 <= ?7 THEN reasoning || ?2 ELSE reasoning END, n_events = ?4, updated_ms = ?8 WHERE "
          "id = ?1 AND state = 'running'",
          piece.message_id, piece.reasoning, piece.content, piece.n_events,
          static_cast<std::int64_t>(piece.content.size()),
          static_cast<std::int64_t>(piece.reasoning.size()),
          static_cast<std::int64_t>(limits::kText), now_ms()));
    }
    return ok_result();
  });
}

Result<void> Store::finish(std::span<const AnswerEnd> ends, std::optional<std::int64_t> show) {
  const std::lock_guard lock(mutex_);
  return database_.transaction([&]() -> Result<void> {
    for (const AnswerEnd& end : ends) {
      SPUTNIK_CHECK_OK(database_.execute(
          "UPDATE message SET state = ?2, facts = ?3, receipt = ?4, updated_ms = ?5, generation_id "
          "= NULL WHERE id = ?1",
          end.message_id, to_string(end.state), end.facts, end.receipt, now_ms()));
    }
    // Unless somebody looks at another branch by now.
    if (show) {
      SPUTNIK_CHECK_OK(database_.execute(
          "UPDATE conversation SET active_leaf_id = ?1 WHERE id = (SELECT conversation_id FROM "
          "message WHERE id = ?1) AND active_leaf_id IN (SELECT s.id FROM message s JOIN message w "
          "ON s.parent_id IS w.parent_id WHERE w.id = ?1)",
          *show));
    }
    return ok_result();
  });
}

Result<std::vector<Message>> Store::running_messages() {
  const std::lock_guard lock(mutex_);
  SPUTNIK_TRY(Statement rows,
              database_.query(message_query("WHERE m.state = 'running' ORDER BY m.id")));
  return read_messages(std::move(rows));
}

Result<std::string> Store::receipt(std::int64_t message_id) {
  const std::lock_guard lock(mutex_);
  SPUTNIK_TRY(Statement row,
              database_.query("SELECT receipt FROM message WHERE id = ?1", message_id));
  SPUTNIK_TRY(const bool is_there, row.step());
  if (!is_there) return not_found("there is no such message");
  std::string receipt = row.text(0);
  if (receipt.empty()) return not_found("this message has no receipt");
  return receipt;
}

}  // namespace sputnik::assistant
