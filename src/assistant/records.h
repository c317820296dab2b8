// What the store holds, as plain structs. Times are milliseconds of Unix time. Fields named options
// and facts hold JSON objects as text: what is in them is the server's affair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sputnik::assistant {

// Nothing is larger, so nobody can fill a disk or a browser by accident. Sizes in bytes.
namespace limits {
inline constexpr std::size_t kTitle = 1 << 10;
inline constexpr std::size_t kName = 256;
inline constexpr std::size_t kText = 8 << 20;  // content or reasoning of a message; an attachment
inline constexpr std::size_t kInstructions = 64 << 10;
inline constexpr std::size_t kNote = 8 << 10;
inline constexpr std::size_t kJson = 64 << 10;  // options, facts
inline constexpr std::size_t kSetting = 256 << 10;
inline constexpr std::int64_t kMessages = 20'000;  // of a conversation
inline constexpr std::int64_t kRows = 1'000;       // folders, personas, notes, settings: each
inline constexpr std::size_t kAttachments = 50;    // of a message
inline constexpr std::int64_t kConversations = 1'000'000;
}  // namespace limits

struct Conversation {
  std::int64_t id = 0;
  std::string title;
  bool title_is_automatic = true;
  std::optional<std::int64_t> folder_id, persona_id;
  bool pinned = false, archived = false;
  std::int64_t created_ms = 0, updated_ms = 0;
  std::optional<std::int64_t> active_leaf_id;  // the end of the branch that is shown
  std::string draft;
  std::string options = "{}";
  std::string source;  // "", "sputnik", "deepseek", "chatgpt", "gemini"
  std::int64_t n_messages = 0;
  bool running = false;  // an answer is being written
};

struct NewConversation {
  std::string title;  // empty: one is made of the first question
  std::optional<std::int64_t> folder_id, persona_id;
  std::string options = "{}";
};

// Absent: stays. A reference may be set to nothing.
struct ConversationChange {
  std::optional<std::string> title, draft, options;
  std::optional<std::optional<std::int64_t>> folder_id, persona_id;
  std::optional<bool> pinned, archived;
  std::optional<std::int64_t> show_message;  // its newest leaf becomes active_leaf_id
};

struct ConversationQuery {
  bool archived = false;
  std::optional<std::int64_t> folder_id;
  int limit = 50;
  std::string cursor;
};

struct ConversationPage {
  std::vector<Conversation> conversations;
  std::string next_cursor;  // empty: there are no more
};

enum class Role { kSystem, kUser, kAssistant };
// kInterrupted: it can be gone on with.
enum class MessageState { kRunning, kComplete, kInterrupted, kFailed };
const char* to_string(Role role);
const char* to_string(MessageState state);
std::optional<Role> role_of(std::string_view text);
std::optional<MessageState> state_of(std::string_view text);

struct Attachment {
  std::int64_t id = 0;
  std::string name, media_type;
  std::int64_t size_bytes = 0;
  std::string text;  // empty where only a list is asked for
};

struct NewAttachment {
  std::string name, media_type = "text/plain", text;
};

struct Message {
  std::int64_t id = 0, conversation_id = 0;
  std::optional<std::int64_t> parent_id;
  Role role = Role::kUser;
  std::string content, reasoning;
  MessageState state = MessageState::kComplete;
  std::int64_t created_ms = 0, updated_ms = 0;
  std::string generation_id;  // of the answer that is being written, or was last
  int choice = 0;
  std::int64_t n_events = 0;  // of the generation that the text holds
  std::string options = "{}", facts = "{}";
  bool has_receipt = false;
  std::vector<Attachment> attachments;  // without their texts
};

struct NewMessage {
  std::int64_t conversation_id = 0;
  std::optional<std::int64_t> parent_id;
  Role role = Role::kUser;
  std::string content, reasoning;
  MessageState state = MessageState::kComplete;
  std::string generation_id;
  int choice = 0;
  std::string options = "{}", facts = "{}";
  std::vector<NewAttachment> attachments;
  std::vector<std::int64_t> attachment_ids;  // made before; copied if they belong to a message
};

struct AnswerPiece {
  std::int64_t message_id = 0;
  std::string reasoning, content;  // to be appended
  std::int64_t n_events = 0;
};

struct AnswerEnd {
  std::int64_t message_id = 0;
  MessageState state = MessageState::kComplete;
  std::string facts, receipt;
};

struct SearchResult {
  Conversation conversation;
  std::optional<std::int64_t> message_id;  // nothing: the title
  std::string field;                       // "title", "content", "reasoning"
  std::string snippet;                     // hits between U+0001 and U+0002
};

struct Folder {
  std::int64_t id = 0;
  std::string name;
  std::int64_t position = 0, n_conversations = 0;
};

struct Persona {
  std::int64_t id = 0;
  std::string name, instructions, options = "{}";
};
struct NewPersona {
  std::string name, instructions, options = "{}";
};
struct PersonaChange {
  std::optional<std::string> name, instructions, options;
};

struct MemoryNote {
  std::int64_t id = 0;
  std::string text;
  std::int64_t created_ms = 0, updated_ms = 0;
};

// Conversations on their way in or out of a store, with no ids but places in these lists.
struct ArchivedMessage {
  int parent = -1;  // in ArchivedConversation::messages, before this one; -1: none
  Role role = Role::kUser;
  std::string content, reasoning;
  MessageState state = MessageState::kComplete;
  std::int64_t created_ms = 0, updated_ms = 0;
  int choice = 0;
  std::string options = "{}", facts = "{}", receipt;
  std::vector<NewAttachment> attachments;
};

struct ArchivedConversation {
  std::string title, draft, options = "{}", source;
  bool title_is_automatic = false, pinned = false, archived = false;
  int folder = -1, persona = -1;  // in Archive's lists
  std::int64_t created_ms = 0, updated_ms = 0;
  int active_leaf = -1;
  std::vector<ArchivedMessage> messages;
};

struct Archive {
  std::vector<std::string> folders;
  std::vector<NewPersona> personas;
  std::vector<std::string> notes;
  std::vector<std::pair<std::string, std::string>> settings;
  std::vector<ArchivedConversation> conversations;
};

}  // namespace sputnik::assistant
