#include "server/assistant/answering.h"

#include <sodium.h>

#include "server/assistant/app_json.h"

namespace sputnik::server::app {
namespace {

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  randombytes_buf(&seed, sizeof seed);
  return seed >> 11;  // exact in a double, as JSON readers keep numbers
}

std::string begin_facts(const service::ModelCard& card, std::uint64_t seed) {
  return dump({{"model", card.id}, {"quantization", card.quantization}, {"seed", seed}});
}

}  // namespace

Result<std::string> Answering::instructions(const assistant::Conversation& conversation) {
  std::string text;
  if (conversation.persona_id) {
    SPUTNIK_TRY(const assistant::Persona persona, store().persona(*conversation.persona_id));
    text = persona.instructions;
  } else {
    SPUTNIK_TRY(const auto setting, app_.store().setting("instructions"));
    const Json json = Json::parse(setting.value_or("null"), nullptr, false);
    if (json.is_string()) text = json.get<std::string>();
  }
  SPUTNIK_TRY(const auto enabled, app_.store().setting("memory.enabled"));
  if (enabled.value_or("") != "true") return text;
  SPUTNIK_TRY(const auto notes, app_.store().notes());
  return instructions_of(text, notes);
}

Result<std::vector<BranchMessage>> Answering::branch_to(std::optional<std::int64_t> leaf_id) {
  std::vector<BranchMessage> branch;
  if (!leaf_id) return branch;
  SPUTNIK_TRY(std::vector<assistant::Message> path, store().path_to(*leaf_id));
  for (assistant::Message& message : path) {
    if (message.conversation_id != place_.id)
      return invalid_argument("parent_id: this message is of another conversation");
    BranchMessage one;
    if (!message.attachments.empty()) {
      SPUTNIK_TRY(one.attachments, store().attachments_of(message.id));
    }
    one.message = std::move(message);
    branch.push_back(std::move(one));
  }
  return branch;
}

Result<Answering::Context> Answering::context(std::optional<std::int64_t> leaf_id,
                                              const std::string& options,
                                              const assistant::NewMessage* question) {
  SPUTNIK_TRY(const assistant::Conversation conversation, store().conversation(place_.id));
  Context context;
  SPUTNIK_TRY(const auto defaults, app_.store().setting("options"));
  context.options.add_kept(defaults.value_or("{}"));
  if (conversation.persona_id) {
    SPUTNIK_TRY(const assistant::Persona persona, store().persona(*conversation.persona_id));
    context.options.add_kept(persona.options);
  }
  context.options.add_kept(conversation.options);
  if (!options.empty()) context.options.add_kept(options);
  SPUTNIK_TRY(context.card, app_.service().model(context.options.model));
  SPUTNIK_TRY(std::vector<BranchMessage> branch, branch_to(leaf_id));
  if (question != nullptr) {
    BranchMessage asked;
    asked.message.role = question->role;
    asked.message.content = question->content;
    for (const std::int64_t id : question->attachment_ids) {
      SPUTNIK_TRY(assistant::Attachment attachment, store().attachment(id));
      asked.attachments.push_back(std::move(attachment));
    }
    for (const assistant::NewAttachment& attachment : question->attachments)
      asked.attachments.push_back({0, attachment.name, attachment.media_type, 0, attachment.text});
    branch.push_back(std::move(asked));
  }
  SPUTNIK_TRY(const std::string said, instructions(conversation));
  context.prompt = make_prompt(branch, said, context.card);
  return context;
}

service::GenerateRequest Answering::request_of(const Context& context) const {
  service::GenerateRequest request = context.options.request();
  if (!request.sampling.seed) request.sampling.seed = random_seed();
  service::ChatInput input;
  for (const PromptMessage& one : context.prompt) input.messages.push_back(one.message);
  request.input = std::move(input);
  request.key_id = asker_.key_id;
  request.user = asker_.cache_owner;
  // Detached answers are journalled, and nothing of a temporary conversation may reach the disk.
  // The recorder listens to those until they end.
  request.keep_off_disk = place_.is_temporary;
  request.detached = !place_.is_temporary;
  return request;
}

Result<std::shared_ptr<service::Generation>> Answering::start(service::GenerateRequest request) {
  return app_.service().generate(std::move(request));
}

std::vector<assistant::NewMessage> Answering::new_answers(const Context& context,
                                                          const service::Generation& generation) {
  std::vector<assistant::NewMessage> answers;
  const std::uint64_t seed = *context.options.seed;
  for (int choice = 0; choice < context.options.n; ++choice) {
    assistant::NewMessage answer;
    answer.conversation_id = place_.id;
    answer.role = assistant::Role::kAssistant;
    answer.state = assistant::MessageState::kRunning;
    answer.generation_id = generation.info().id;
    answer.choice = choice;
    answer.options = context.options.json();
    answer.facts = begin_facts(context.card, seed + static_cast<std::uint64_t>(choice));
    answers.push_back(std::move(answer));
  }
  return answers;
}

Result<Asked> Answering::keep(const std::optional<assistant::NewMessage>& question,
                              const std::vector<assistant::NewMessage>& answers,
                              const std::shared_ptr<service::Generation>& generation) {
  auto kept = store().add_turn(question, answers);
  if (!kept.ok()) {
    if (generation != nullptr) generation->cancel();
    return std::move(kept).error();
  }
  Asked asked;
  asked.answers = std::move(kept).value();
  if (question) {
    asked.question = std::move(asked.answers.front());
    asked.answers.erase(asked.answers.begin());
    SPUTNIK_CHECK_OK(store().set_automatic_title(place_.id, title_of(question->content)));
  }
  if (generation != nullptr) {
    std::vector<Recording::Answer> recorded;
    for (const assistant::Message& answer : asked.answers)
      recorded.push_back({answer.id, answer.choice, answer.facts});
    app_.recorder().record(generation, store(), std::move(recorded));
  }
  SPUTNIK_TRY(asked.conversation, store().conversation(place_.id));
  return asked;
}

Result<Asked> Answering::ask(assistant::NewMessage question, const std::string& options,
                             bool wants_answer) {
  question.conversation_id = place_.id;
  if (!wants_answer) return keep(question, {}, nullptr);
  SPUTNIK_TRY(Context made, context(question.parent_id, options, &question));
  service::GenerateRequest request = request_of(made);
  made.options.seed = request.sampling.seed;
  SPUTNIK_TRY(const auto generation, start(std::move(request)));
  return keep(question, new_answers(made, *generation), generation);
}

Result<Asked> Answering::answer(std::optional<std::int64_t> parent_id, const std::string& options) {
  SPUTNIK_TRY(Context made, context(parent_id, options));
  service::GenerateRequest request = request_of(made);
  made.options.seed = request.sampling.seed;
  SPUTNIK_TRY(const auto generation, start(std::move(request)));
  std::vector<assistant::NewMessage> answers = new_answers(made, *generation);
  for (assistant::NewMessage& one : answers) one.parent_id = parent_id;
  return keep(std::nullopt, answers, generation);
}

namespace {

// The prompt as it was before this answer, with what there is of it at the end.
service::GenerateRequest with_beginning(service::GenerateRequest request,
                                        const std::string& content, const std::string& reasoning) {
  request.n = 1;
  request.vote.reset();
  if (content.empty() && reasoning.empty()) return request;
  auto& input = std::get<service::ChatInput>(request.input);
  input.messages.push_back(chat::make_message(chat::Role::kAssistant, content, reasoning));
  input.continue_last = true;
  return request;
}

}  // namespace

Result<Asked> Answering::go_on(const assistant::Message& answer, const std::string& options) {
  SPUTNIK_TRY(Context made, context(answer.parent_id, options));
  made.options.n = 1;
  made.options.vote = false;
  service::GenerateRequest request =
      with_beginning(request_of(made), answer.content, answer.reasoning);
  made.options.seed = request.sampling.seed;
  SPUTNIK_TRY(const auto generation, start(std::move(request)));
  const std::string facts = begin_facts(made.card, *made.options.seed);
  auto restarted =
      store().restart_answer(answer.id, generation->info().id, made.options.json(), facts);
  if (!restarted.ok()) {
    generation->cancel();
    return std::move(restarted).error();
  }
  Asked asked;
  asked.answers.push_back(std::move(restarted).value());
  app_.recorder().record(generation, store(), {{answer.id, 0, facts}});
  SPUTNIK_TRY(asked.conversation, store().conversation(place_.id));
  return asked;
}

Result<Asked> Answering::rethink(const assistant::Message& answer, const std::string& reasoning,
                                 const std::string& options) {
  SPUTNIK_TRY(Context made, context(answer.parent_id, options));
  made.options.n = 1;
  made.options.vote = false;
  service::GenerateRequest request = with_beginning(request_of(made), {}, reasoning);
  made.options.seed = request.sampling.seed;
  SPUTNIK_TRY(const auto generation, start(std::move(request)));
  std::vector<assistant::NewMessage> answers = new_answers(made, *generation);
  answers.front().parent_id = answer.parent_id;
  answers.front().reasoning = reasoning;
  return keep(std::nullopt, answers, generation);
}

}  // namespace sputnik::server::app
