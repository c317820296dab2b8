// Questions asked, answers begun: what the routes of messages do.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/assistant/answer_options.h"
#include "server/assistant/app.h"
#include "server/assistant/prompt.h"

namespace sputnik::server::app {

// A question as it was sent, and what of the request is needed to have it answered.
struct Asked {
  assistant::Conversation conversation;
  std::optional<assistant::Message> question;
  std::vector<assistant::Message> answers;
};

// Who asks, for fairness and caches.
struct Asker {
  std::string key_id, cache_owner;
};

class Answering {
 public:
  // Of a conversation in its store.
  Answering(App& app, App::Place conversation, Asker asker)
      : app_(app), place_(conversation), asker_(std::move(asker)) {}

  // Below parent (nothing: a new root). wants_answer: otherwise the question is only kept.
  // options: JSON, on top of those of the conversation; "" for none.
  Result<Asked> ask(assistant::NewMessage question, const std::string& options, bool wants_answer);
  // Another answer below this message; nothing: a new root.
  Result<Asked> answer(std::optional<std::int64_t> parent_id, const std::string& options);
  // The same message goes on.
  Result<Asked> go_on(const assistant::Message& answer, const std::string& options);
  // A new version of this answer that begins with another thought.
  Result<Asked> rethink(const assistant::Message& answer, const std::string& reasoning,
                        const std::string& options);

  struct Context {
    std::vector<PromptMessage> prompt;
    AnswerOptions options;
    service::ModelCard card;
  };
  // What the model would be given after this message; nothing: an empty conversation.
  Result<Context> context(std::optional<std::int64_t> leaf_id, const std::string& options,
                          const assistant::NewMessage* question = nullptr);
  service::GenerateRequest request_of(const Context& context) const;

 private:
  assistant::Store& store() { return *place_.store; }
  Result<std::string> instructions(const assistant::Conversation& conversation);
  Result<std::vector<BranchMessage>> branch_to(std::optional<std::int64_t> leaf_id);
  Result<std::shared_ptr<service::Generation>> start(service::GenerateRequest request);
  std::vector<assistant::NewMessage> new_answers(const Context& context,
                                                 const service::Generation& generation);
  // Stores the turn and has its answers written down; a generation that cannot be stored is ended.
  Result<Asked> keep(const std::optional<assistant::NewMessage>& question,
                     const std::vector<assistant::NewMessage>& answers,
                     const std::shared_ptr<service::Generation>& generation);

  App& app_;
  const App::Place place_;
  const Asker asker_;
};

}  // namespace sputnik::server::app
