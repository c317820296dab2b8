#include "assistant/schema.h"

#include <array>

namespace sputnik::assistant {
namespace {

// parent_id has no cascade: SQLite follows cascades recursively, and conversations are deeper than
// it can. Texts are indexed once they are no longer growing.
constexpr const char* kFirst = R"sql(
CREATE TABLE folder(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  position INTEGER NOT NULL) STRICT;

CREATE TABLE persona(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  instructions TEXT NOT NULL,
  options TEXT NOT NULL) STRICT;

CREATE TABLE conversation(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  title TEXT NOT NULL,
  title_is_automatic INTEGER NOT NULL,
  folder_id INTEGER REFERENCES folder(id) ON DELETE SET NULL,
  persona_id INTEGER REFERENCES persona(id) ON DELETE SET NULL,
  pinned INTEGER NOT NULL DEFAULT 0,
  archived INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  active_leaf_id INTEGER,
  draft TEXT NOT NULL DEFAULT '',
  options TEXT NOT NULL DEFAULT '{}',
  source TEXT NOT NULL DEFAULT '') STRICT;
CREATE INDEX conversation_order ON conversation(archived, pinned DESC, updated_ms DESC, id DESC);
CREATE INDEX conversation_folder ON conversation(folder_id);
CREATE INDEX conversation_persona ON conversation(persona_id);

CREATE TABLE message(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation_id INTEGER NOT NULL REFERENCES conversation(id) ON DELETE CASCADE,
  parent_id INTEGER REFERENCES message(id) DEFERRABLE INITIALLY DEFERRED,
  role TEXT NOT NULL CHECK(role IN ('system', 'user', 'assistant')),
  content TEXT NOT NULL,
  reasoning TEXT NOT NULL,
  state TEXT NOT NULL CHECK(state IN ('running', 'complete', 'interrupted', 'failed')),
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  generation_id TEXT,
  choice INTEGER NOT NULL DEFAULT 0,
  n_events INTEGER NOT NULL DEFAULT 0,
  options TEXT NOT NULL DEFAULT '{}',
  facts TEXT NOT NULL DEFAULT '{}',
  receipt TEXT NOT NULL DEFAULT '') STRICT;
CREATE INDEX message_conversation ON message(conversation_id);
CREATE INDEX message_parent ON message(parent_id);
CREATE INDEX message_running ON message(state) WHERE state = 'running';
CREATE INDEX message_generation ON message(generation_id) WHERE generation_id IS NOT NULL;

CREATE TABLE attachment(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id INTEGER REFERENCES message(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  text TEXT NOT NULL,
  created_ms INTEGER NOT NULL) STRICT;
CREATE INDEX attachment_message ON attachment(message_id);

CREATE TABLE memory_note(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  text TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL) STRICT;

CREATE TABLE setting(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE title_search USING fts5(title, content = 'conversation', content_rowid = 'id',
                                             tokenize = 'sputnik');
CREATE TRIGGER title_added AFTER INSERT ON conversation BEGIN
  INSERT INTO title_search(rowid, title) VALUES (new.id, new.title);
END;
CREATE TRIGGER title_removed AFTER DELETE ON conversation BEGIN
  INSERT INTO title_search(title_search, rowid, title) VALUES ('delete', old.id, old.title);
END;
CREATE TRIGGER title_changed AFTER UPDATE OF title ON conversation BEGIN
  INSERT INTO title_search(title_search, rowid, title) VALUES ('delete', old.id, old.title);
  INSERT INTO title_search(rowid, title) VALUES (new.id, new.title);
END;

CREATE VIRTUAL TABLE message_search USING fts5(content, reasoning, content = 'message',
                                               content_rowid = 'id', tokenize = 'sputnik');
CREATE TRIGGER message_added AFTER INSERT ON message WHEN new.state <> 'running' BEGIN
  INSERT INTO message_search(rowid, content, reasoning)
    VALUES (new.id, new.content, new.reasoning);
END;
CREATE TRIGGER message_removed AFTER DELETE ON message WHEN old.state <> 'running' BEGIN
  INSERT INTO message_search(message_search, rowid, content, reasoning)
    VALUES ('delete', old.id, old.content, old.reasoning);
END;
CREATE TRIGGER message_begun AFTER UPDATE OF content, reasoning, state ON message
  WHEN old.state <> 'running' AND new.state = 'running' BEGIN
  INSERT INTO message_search(message_search, rowid, content, reasoning)
    VALUES ('delete', old.id, old.content, old.reasoning);
END;
CREATE TRIGGER message_ended AFTER UPDATE OF content, reasoning, state ON message
  WHEN old.state = 'running' AND new.state <> 'running' BEGIN
  INSERT INTO message_search(rowid, content, reasoning)
    VALUES (new.id, new.content, new.reasoning);
END;
CREATE TRIGGER message_changed AFTER UPDATE OF content, reasoning, state ON message
  WHEN old.state <> 'running' AND new.state <> 'running' BEGIN
  INSERT INTO message_search(message_search, rowid, content, reasoning)
    VALUES ('delete', old.id, old.content, old.reasoning);
  INSERT INTO message_search(rowid, content, reasoning)
    VALUES (new.id, new.content, new.reasoning);
END;
)sql";

constexpr std::array kMigrations = {kFirst};

}  // namespace

Migrations store_migrations() {
  return kMigrations;
}

}  // namespace sputnik::assistant
