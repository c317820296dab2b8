// Conversations and what belongs to them, as one user keeps them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assistant/database.h"
#include "assistant/records.h"
#include "base/result.h"

namespace sputnik::assistant {

// Any thread may call any function. Each function is one transaction: all of it happens, or
// nothing. Errors: kNotFound; kInvalidArgument names what is too long or makes no sense;
// kExhausted: a bound of limits:: or the disk; kIo, kCorrupt.
class Store {
 public:
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& path);
  // For temporary conversations: nothing of it touches a disk.
  static Result<std::unique_ptr<Store>> open_in_memory();

  // Conversations --------------------------------------------------------------------------------
  Result<Conversation> add_conversation(const NewConversation& conversation);
  Result<Conversation> conversation(std::int64_t id);
  // Pinned ones first, then those that changed last. What follows `cursor`, which was given with
  // the page before; "" for the first page.
  Result<ConversationPage> conversations(const ConversationQuery& query);
  Result<Conversation> change_conversation(std::int64_t id, const ConversationChange& change);
  Result<void> remove_conversation(std::int64_t id);
  // Only if nobody has named it.
  Result<void> set_automatic_title(std::int64_t id, std::string_view title);

  // Messages -------------------------------------------------------------------------------------
  // In the order in which they were made, so that parents come before children.
  Result<std::vector<Message>> messages(std::int64_t conversation_id);
  Result<Message> message(std::int64_t id);
  // From the root to this message, both included.
  Result<std::vector<Message>> path_to(std::int64_t message_id);
  // A question, if there is one, and the answers below it; without one, where the answers say. The
  // branch that ends with the first answer is shown then. The question comes first in the result.
  Result<std::vector<Message>> add_turn(const std::optional<NewMessage>& question,
                                        std::span<const NewMessage> answers);
  enum class Children { kDelete, kReattach };
  // With what is below it, or its children go to its parent. Returns what is gone.
  Result<std::vector<std::int64_t>> remove_message(std::int64_t id, Children children);

  // Answers that are being written ---------------------------------------------------------------
  // Makes a message grow again.
  Result<Message> restart_answer(std::int64_t id, std::string_view generation_id,
                                 std::string_view options, std::string_view facts);
  // What has come of all answers of one generation, in one step. Messages that are gone meanwhile
  // are passed over.
  Result<void> append(std::span<const AnswerPiece> pieces);
  Result<void> finish(std::span<const AnswerEnd> ends, std::optional<std::int64_t> show);
  Result<std::vector<Message>> running_messages();
  Result<std::string> receipt(std::int64_t message_id);

  // Attachments ----------------------------------------------------------------------------------
  // Not yet part of a message; unless it becomes so within a day it is forgotten.
  Result<Attachment> add_attachment(const NewAttachment& attachment);
  Result<Attachment> attachment(std::int64_t id);                           // with its text
  Result<std::vector<Attachment>> attachments_of(std::int64_t message_id);  // with their texts

  // Search ---------------------------------------------------------------------------------------
  // All words must occur, the last one at least as the beginning of one. Titles first, then by
  // relevance (BM25).
  Result<std::vector<SearchResult>> search(std::string_view words, int limit, int offset);

  // Folders, personas, memory, settings
  // ------------------------------------------------------------
  Result<std::vector<Folder>> folders();
  Result<Folder> add_folder(std::string_view name, std::optional<std::int64_t> position);
  Result<Folder> change_folder(std::int64_t id, const std::optional<std::string>& name,
                               std::optional<std::int64_t> position);
  Result<void> remove_folder(std::int64_t id);

  Result<std::vector<Persona>> personas();
  Result<Persona> persona(std::int64_t id);
  Result<Persona> add_persona(const NewPersona& persona);
  Result<Persona> change_persona(std::int64_t id, const PersonaChange& change);
  Result<void> remove_persona(std::int64_t id);

  Result<std::vector<MemoryNote>> notes();
  Result<MemoryNote> add_note(std::string_view text);
  Result<MemoryNote> change_note(std::int64_t id, std::string_view text);
  Result<void> remove_note(std::int64_t id);
  Result<void> remove_notes();

  // Values are JSON texts.
  Result<std::vector<std::pair<std::string, std::string>>> settings();
  Result<std::optional<std::string>> setting(std::string_view key);
  // nullopt removes one.
  Result<void> change_settings(
      std::span<const std::pair<std::string, std::optional<std::string>>> changes);

  // Import ---------------------------------------------------------------------------------------
  // All of it or nothing. Returns the ids of the conversations, in their order.
  Result<std::vector<std::int64_t>> add_all(const Archive& archive);

 private:
  explicit Store(Database database) : database_(std::move(database)) {}

  // All below: with the lock held.
  Result<Conversation> read_conversation(std::int64_t id);
  Result<Message> read_message(std::int64_t id);
  Result<std::vector<Message>> read_messages(Statement statement);
  Result<void> require(std::string_view table, std::int64_t id);
  Result<std::int64_t> insert_message(const NewMessage& message);
  Result<void> insert_attachments(const NewMessage& message, std::int64_t id);
  Result<std::int64_t> insert_attachment(const NewAttachment& attachment,
                                         std::optional<std::int64_t> message_id);
  Result<void> touch(std::int64_t conversation_id, std::int64_t now_ms);
  Result<std::int64_t> newest_leaf_below(std::int64_t message_id);
  Result<void> repair_active_leaf(std::int64_t conversation_id,
                                  std::optional<std::int64_t> parent_id);
  Result<std::int64_t> count(std::string_view table);
  Result<std::int64_t> add_archived(const ArchivedConversation& conversation);

  std::mutex mutex_;
  Database database_;
};

}  // namespace sputnik::assistant
