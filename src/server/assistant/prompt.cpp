#include "server/assistant/prompt.h"

#include "base/utf8.h"

namespace sputnik::server::app {

std::string with_attachments(const std::string& question,
                             const std::vector<assistant::Attachment>& attachments) {
  std::string text;
  for (const assistant::Attachment& attachment : attachments) {
    text += fmt::format("[file name]: {}\n[file content begin]\n{}\n[file content end]\n",
                        attachment.name, attachment.text);
  }
  return text + question;
}

std::string instructions_of(const std::string& instructions,
                            const std::vector<assistant::MemoryNote>& notes) {
  std::string text = instructions;
  if (notes.empty()) return text;
  if (!text.empty()) text += "\n\n";
  text += "What is known about the user:";
  for (const assistant::MemoryNote& note : notes) text += "\n- " + note.text;
  return text;
}

std::vector<PromptMessage> make_prompt(const std::vector<BranchMessage>& branch,
                                       const std::string& instructions,
                                       const service::ModelCard& card) {
  std::vector<PromptMessage> prompt;
  const bool takes_system = !card.family.starts_with("r1");
  std::string pending = instructions;  // to stand before the next question
  const auto add = [&](chat::Role role, std::string content, std::int64_t id) {
    // Templates were not made for two questions in a row, as they are when an answer has failed.
    if (!prompt.empty() && prompt.back().message.role == role && role != chat::Role::kAssistant) {
      *prompt.back().message.content += "\n\n" + content;
      prompt.back().id = id;
      return;
    }
    prompt.push_back({chat::make_message(role, std::move(content)), id});
  };
  if (takes_system && !pending.empty()) {
    add(chat::Role::kSystem, pending, 0);
    pending.clear();
  }
  for (const BranchMessage& one : branch) {
    const assistant::Message& message = one.message;
    switch (message.role) {
      case assistant::Role::kSystem:
        if (takes_system) {
          add(chat::Role::kSystem, message.content, message.id);
        } else {
          pending += (pending.empty() ? "" : "\n\n") + message.content;
        }
        break;
      case assistant::Role::kUser: {
        std::string content = with_attachments(message.content, one.attachments);
        if (!pending.empty()) content = pending + "\n\n" + content;
        pending.clear();
        add(chat::Role::kUser, std::move(content), message.id);
        break;
      }
      case assistant::Role::kAssistant:
        if (!message.content.empty()) add(chat::Role::kAssistant, message.content, message.id);
        break;
    }
  }
  return prompt;
}

std::string title_of(std::string_view question) {
  constexpr int kWidth = 48;  // columns; ideographs take two
  std::string title;
  int width = 0;
  std::size_t last_space = 0;
  bool is_cut = false;
  while (!question.empty()) {
    const DecodedCodePoint next = decode_utf8(question);
    const bool is_space =
        next.code_point <= ' ' || next.code_point == 0xa0 || next.code_point == 0x3000;
    question.remove_prefix(next.n_bytes);
    if (is_space && (title.empty() || title.back() == ' ')) continue;
    width += next.code_point >= 0x1100 ? 2 : 1;
    if (width > kWidth) {
      is_cut = true;
      break;
    }
    if (is_space) last_space = title.size();
    if (is_space) {
      title += ' ';
    } else {
      append_utf8(title, next.code_point);
    }
  }
  if (is_cut && last_space > title.size() / 2) title.resize(last_space);
  while (!title.empty() && title.back() == ' ') title.pop_back();
  return is_cut ? title + "…" : title;
}

}  // namespace sputnik::server::app
