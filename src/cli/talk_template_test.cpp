// What is learned from a talk is what the chat template shows a model later.
#include <gtest/gtest.h>

#include "chat/template.h"
#include "tasks/talk.h"
#include "train/talk_source.h"

namespace sputnik {
namespace {

std::string spelled(const Document& document) {
  std::string text;
  for (const Document::Part& part : document.parts) text += part.text;
  return text;
}

TEST(TalkTemplate, DocumentsBeginWithWhatR1sTemplateRenders) {
  const auto material =
      tasks::TalkMaterial::load(std::filesystem::path(SPUTNIK_SOURCE_DIR) / "data/talk");
  ASSERT_TRUE(material.ok()) << material.error().message;
  const auto chat_template = chat::ChatTemplate::by_name("deepseek-r1");
  ASSERT_TRUE(chat_template.ok());
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const tasks::Talk talk = material.value().generate(seed, tasks::Split::kTrain);
    std::vector<chat::Message> messages;
    for (const tasks::TalkTurn& turn : talk.turns) {
      chat::Message user, assistant;
      user.role = chat::Role::kUser;
      user.content = turn.user;
      assistant.role = chat::Role::kAssistant;
      assistant.content = turn.answer;
      messages.push_back(user);
      messages.push_back(assistant);
    }
    const auto all = chat_template.value().render(messages, {}, {.add_generation_prompt = false});
    ASSERT_TRUE(all.ok());
    EXPECT_EQ(spelled(talk_document(talk, false, true)), all.value().text);
    messages.pop_back();
    const auto prompt = chat_template.value().render(messages, {}, {});
    ASSERT_TRUE(prompt.ok());
    EXPECT_TRUE(spelled(talk_document(talk, true, true)).starts_with(prompt.value().text));
  }
}

}  // namespace
}  // namespace sputnik
