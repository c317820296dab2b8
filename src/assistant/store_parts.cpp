#include "assistant/store_parts.h"

#include <chrono>

#include "assistant/store.h"
#include "base/utf8.h"

namespace sputnik::assistant {

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Result<void> bounded(std::string_view what, std::string_view text, std::size_t most) {
  if (text.size() > most)
    return invalid_argument("{}: {} bytes, at most {} are kept", what, text.size(), most);
  if (!is_valid_utf8(text)) return invalid_argument("{}: it is not UTF-8", what);
  return ok_result();
}

const char* to_string(Role role) {
  switch (role) {
    case Role::kSystem:
      return "system";
    case Role::kUser:
      return "user";
    case Role::kAssistant:
      break;
  }
  return "assistant";
}

const char* to_string(MessageState state) {
  switch (state) {
    case MessageState::kRunning:
      return "running";
    case MessageState::kComplete:
      return "complete";
    case MessageState::kInterrupted:
      return "interrupted";
    case MessageState::kFailed:
      break;
  }
  return "failed";
}

std::optional<Role> role_of(std::string_view text) {
  for (const Role role : {Role::kSystem, Role::kUser, Role::kAssistant})
    if (text == to_string(role)) return role;
  return std::nullopt;
}

std::optional<MessageState> state_of(std::string_view text) {
  for (const MessageState state : {MessageState::kRunning, MessageState::kComplete,
                                   MessageState::kInterrupted, MessageState::kFailed})
    if (text == to_string(state)) return state;
  return std::nullopt;
}

// ------------------------------------------------------------------------------------------------
// attachments

Result<Attachment> Store::add_attachment(const NewAttachment& attachment) {
  const std::lock_guard lock(mutex_);
  SPUTNIK_TRY(const std::int64_t id, insert_attachment(attachment, std::nullopt));
  return Attachment{id, attachment.name, attachment.media_type,
                    static_cast<std::int64_t>(attachment.text.size()), attachment.text};
}

Result<Attachment> Store::attachment(std::int64_t id) {
  const std::lock_guard lock(mutex_);
  SPUTNIK_TRY(Statement row, database_.query("SELECT id, name, media_type, length(CAST(text AS "
                                             "BLOB)), text FROM attachment WHERE id = ?1",
                                             id));
  SPUTNIK_TRY(const bool is_there, row.step());
  if (!is_there) return not_found("there is no such attachment");
  return Attachment{row.integer(0), row.text(1), row.text(2), row.integer(3), row.text(4)};
}

Result<std::vector<Attachment>> Store::attachments_of(std::int64_t message_id) {
  const std::lock_guard lock(mutex_);
  SPUTNIK_TRY(Statement row,
              database_.query("SELECT id, name, media_type, length(CAST(text AS BLOB)), text FROM "
                              "attachment WHERE message_id = ?1 ORDER BY id",
                              message_id));
  std::vector<Attachment> found;
  for (;;) {
    SPUTNIK_TRY(const bool is_there, row.step());
    if (!is_there) return found;
    found.push_back({row.integer(0), row.text(1), row.text(2), row.integer(3), row.text(4)});
  }
}

// ------------------------------------------------------------------------------------------------
// folders

namespace {

constexpr const char* kFolders =
    "SELECT f.id, f.name, f.position, (SELECT count(*) FROM conversation c WHERE c.folder_id = "
    "f.id) FROM folder f ";

Folder folder_of(const Statement& row) {
  return {row.integer(0), row.text(1), row.integer(2), row.integer(3)};
}

Result<void> check_name(std::string_view name) {
  if (name.empty()) return invalid_argument("name: it is empty");
  return bounded("name", name, limits::kName);
}

}  // namespace

Result<std::vector<Folder>> Store::folders() {
  const std::lock_guard lock(mutex_);
  SPUTNIK_TRY(Statement row,
              database_.query(std::string(kFolders) + "ORDER BY f.position, f.name, f.id"));
  std::vector<Folder> found;
  for (;;) {
    SPUTNIK_TRY(const bool is_there, row.step());
    if (!is_there) return found;
    found.push_back(folder_of(row));
  }
}

Result<Folder> Store::add_folder(std::string_view name, std::optional<std::int64_t> position) {
  SPUTNIK_CHECK_OK(check_name(name));
  const std::lock_guard lock(mutex_);
  SPUTNIK_TRY(const std::int64_t n, count("folder"));
  if (n >= limits::kRows) return exhausted("there are {} folders already", n);
  SPUTNIK_CHECK_OK(database_.execute("INSERT INTO folder(name, position) VALUES (?1, ?2)", name,
                                     position.value_or(n)));
  return Folder{database_.last_insert_id(), std::string(name), position.value_or(n), 0};
}

Result<Folder> Store::change_folder(std::int64_t id, const std::optional<std::string>& name,
                                    std::optional<std::int64_t> position) {
  if (name) SPUTNIK_CHECK_OK(check_name(*name));
  const std::lock_guard lock(mutex_);
  SPUTNIK_CHECK_OK(
      database_.execute("UPDATE folder SET name = coalesce(?2, name), position = coalesce(?3, "
                        "position) WHERE id = ?1",
                        id, name, position));
  SPUTNIK_TRY(Statement row, database_.query(std::string(kFolders) + "WHERE f.id = ?1", id));
  SPUTNIK_TRY(const bool is_there, row.step());
  if (!is_there) return not_found("there is no such folder");
  return folder_of(row);
}

Result<void> Store::remove_folder(std::int64_t id) {
  const std::lock_guard lock(mutex_);
  SPUTNIK_CHECK_OK(database_.execute("DELETE FROM folder WHERE id = ?1", id));
  if (database_.n_changed() == 0) return not_found("there is no such folder");
  return ok_result();
}

// ------------------------------------------------------------------------------------------------
// personas

namespace {

Persona persona_of(const Statement& row) {
  return {row.integer(0), row.text(1), row.text(2), row.text(3)};
}

Result<void> check_persona(const PersonaChange& persona) {
  if (persona.name) SPUTNIK_CHECK_OK(check_name(*persona.name));
  if (persona.instructions)
    SPUTNIK_CHECK_OK(bounded("instructions", *persona.instructions, limits::kInstructions));
  if (persona.options) SPUTNIK_CHECK_OK(bounded("options", *persona.options, limits::kJson));
  return ok_result();
}

}  // namespace

Result<std::vector<Persona>> Store::personas() {
  const std::lock_guard lock(mutex_);
  SPUTNIK_TRY(
      Statement row,
      database_.query("SELECT id, name, instructions, options FROM persona ORDER BY name, id"));
  std::vector<Persona> found;
  for (;;) {
    SPUTNIK_TRY(const bool is_there, row.step());
    if (!is_there) return found;
    found.push_back(persona_of(row));
  }
}

Result<Persona> Store::persona(std::int64_t id) {
  const std::lock_guard lock(mutex_);
  SPUTNIK_TRY(
      Statement row,
      database_.query("SELECT id, name, instructions, options FROM persona WHERE id = ?1", id));
  SPUTNIK_TRY(const bool is_there, row.step());
  if (!is_there) return not_found("there is no such persona");
  return persona_of(row);
}

Result<Persona> Store::add_persona(const NewPersona& persona) {
  SPUTNIK_CHECK_OK(check_persona({persona.name, persona.instructions, persona.options}));
  const std::lock_guard lock(mutex_);
  SPUTNIK_TRY(const std::int64_t n, count("persona"));
  if (n >= limits::kRows) return exhausted("there are {} personas already", n);
  SPUTNIK_CHECK_OK(
      database_.execute("INSERT INTO persona(name, instructions, options) VALUES (?1, ?2, ?3)",
                        persona.name, persona.instructions, persona.options));
  return Persona{database_.last_insert_id(), persona.name, persona.instructions, persona.options};
}

Result<Persona> Store::change_persona(std::int64_t id, const PersonaChange& change) {
  SPUTNIK_CHECK_OK(check_persona(change));
  {
    const std::lock_guard lock(mutex_);
    SPUTNIK_CHECK_OK(database_.execute(
        "UPDATE persona SET name = coalesce(?2, name), instructions = coalesce(?3, instructions), "
        "options = coalesce(?4, options) WHERE id = ?1",
        id, change.name, change.instructions, change.options));
  }
  return persona(id);
}

Result<void> Store::remove_persona(std::int64_t id) {
  const std::lock_guard lock(mutex_);
  SPUTNIK_CHECK_OK(database_.execute("DELETE FROM persona WHERE id = ?1", id));
  if (database_.n_changed() == 0) return not_found("there is no such persona");
  return ok_result();
}

// ------------------------------------------------------------------------------------------------
// memory

namespace {

Result<void> check_note(std::string_view text) {
  if (text.empty()) return invalid_argument("text: it is empty");
  return bounded("text", text, limits::kNote);
}

}  // namespace

Result<std::vector<MemoryNote>> Store::notes() {
  const std::lock_guard lock(mutex_);
  SPUTNIK_TRY(
      Statement row,
      database_.query("SELECT id, text, created_ms, updated_ms FROM memory_note ORDER BY id"));
  std::vector<MemoryNote> found;
  for (;;) {
    SPUTNIK_TRY(const bool is_there, row.step());
    if (!is_there) return found;
    found.push_back({row.integer(0), row.text(1), row.integer(2), row.integer(3)});
  }
}

Result<MemoryNote> Store::add_note(std::string_view text) {
  SPUTNIK_CHECK_OK(check_note(text));
  const std::lock_guard lock(mutex_);
  SPUTNIK_TRY(const std::int64_t n, count("memory_note"));
  if (n >= limits::kRows) return exhausted("there are {} notes already", n);
  const std::int64_t now = now_ms();
  SPUTNIK_CHECK_OK(database_.execute(
      "INSERT INTO memory_note(text, created_ms, updated_ms) VALUES (?1, ?2, ?2)", text, now));
  return MemoryNote{database_.last_insert_id(), std::string(text), now, now};
}

Result<MemoryNote> Store::change_note(std::int64_t id, std::string_view text) {
  SPUTNIK_CHECK_OK(check_note(text));
  const std::lock_guard lock(mutex_);
  SPUTNIK_CHECK_OK(database_.execute(
      "UPDATE memory_note SET text = ?2, updated_ms = ?3 WHERE id = ?1", id, text, now_ms()));
  SPUTNIK_TRY(Statement row,
              database_.query(
                  "SELECT id, text, created_ms, updated_ms FROM memory_note WHERE id = ?1", id));
  SPUTNIK_TRY(const bool is_there, row.step());
  if (!is_there) return not_found("there is no such note");
  return MemoryNote{row.integer(0), row.text(1), row.integer(2), row.integer(3)};
}

Result<void> Store::remove_note(std::int64_t id) {
  const std::lock_guard lock(mutex_);
  SPUTNIK_CHECK_OK(database_.execute("DELETE FROM memory_note WHERE id = ?1", id));
  if (database_.n_changed() == 0) return not_found("there is no such note");
  return ok_result();
}

Result<void> Store::remove_notes() {
  const std::lock_guard lock(mutex_);
  return database_.execute("DELETE FROM memory_note");
}

// ------------------------------------------------------------------------------------------------
// settings

Result<std::vector<std::pair<std::string, std::string>>> Store::settings() {
  const std::lock_guard lock(mutex_);
  SPUTNIK_TRY(Statement row, database_.query("SELECT key, value FROM setting ORDER BY key"));
  std::vector<std::pair<std::string, std::string>> found;
  for (;;) {
    SPUTNIK_TRY(const bool is_there, row.step());
    if (!is_there) return found;
    found.emplace_back(row.text(0), row.text(1));
  }
}

Result<std::optional<std::string>> Store::setting(std::string_view key) {
  const std::lock_guard lock(mutex_);
  SPUTNIK_TRY(Statement row, database_.query("SELECT value FROM setting WHERE key = ?1", key));
  SPUTNIK_TRY(const bool is_there, row.step());
  if (!is_there) return std::optional<std::string>();
  return std::optional<std::string>(row.text(0));
}

Result<void> Store::change_settings(
    std::span<const std::pair<std::string, std::optional<std::string>>> changes) {
  const std::lock_guard lock(mutex_);
  return database_.transaction([&]() -> Result<void> {
    for (const auto& [key, value] : changes) {
      if (key.empty()) return invalid_argument("settings: a key is empty");
      SPUTNIK_CHECK_OK(bounded("settings: a key", key, limits::kName));
      if (!value) {
        SPUTNIK_CHECK_OK(database_.execute("DELETE FROM setting WHERE key = ?1", key));
        continue;
      }
      SPUTNIK_CHECK_OK(bounded("settings: " + key, *value, limits::kSetting));
      SPUTNIK_CHECK_OK(database_.execute(
          "INSERT INTO setting(key, value) VALUES (?1, ?2) ON CONFLICT(key) DO UPDATE SET value = "
          "excluded.value",
          key, *value));
    }
    SPUTNIK_TRY(const std::int64_t n, count("setting"));
    if (n > limits::kRows) return exhausted("there are {} settings already", limits::kRows);
    return ok_result();
  });
}

}  // namespace sputnik::assistant
