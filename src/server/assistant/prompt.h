// From a branch of a conversation to what the model is given.
#pragma once

#include <string>
#include <vector>

#include "assistant/store.h"
#include "service/request.h"
#include "service/service.h"

namespace sputnik::server::app {

// A message of the prompt and where it comes from.
struct PromptMessage {
  chat::Message message;
  std::int64_t id = 0;  // 0: made of instructions and notes
};

// Attachments with their texts, by the message that they belong to.
struct BranchMessage {
  assistant::Message message;
  std::vector<assistant::Attachment> attachments;
};

// instructions: before everything else; the R1 family gets them within the first question, since it
// was trained without system prompts. Answers without text are left out, thoughts are never
// repeated.
std::vector<PromptMessage> make_prompt(const std::vector<BranchMessage>& branch,
                                       const std::string& instructions,
                                       const service::ModelCard& card);

// Instructions and remembered notes as one text; "" if there are none.
std::string instructions_of(const std::string& instructions,
                            const std::vector<assistant::MemoryNote>& notes);

// "[file name]: ..." as DeepSeek's own assistant puts files before a question.
std::string with_attachments(const std::string& question,
                             const std::vector<assistant::Attachment>& attachments);

// What a conversation is called until somebody names it: the first words of its question.
std::string title_of(std::string_view question);

}  // namespace sputnik::server::app
