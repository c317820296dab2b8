#include "train/talk_source.h"

#include "base/rng.h"

namespace sputnik {
namespace {

class TalkSource final : public DocumentSource {
 public:
  TalkSource(TalkSourceOptions options, tasks::TalkMaterial material)
      : options_(std::move(options)), material_(std::move(material)) {}

  Document document(std::uint64_t index) const override {
    const std::uint64_t seed = options_.first_seed + index;
    const bool is_thinking = Rng(seed).uniform() < options_.thinking_share;
    return talk_document(material_.generate(seed, tasks::Split::kTrain), is_thinking,
                         options_.learn_prompts);
  }

 private:
  TalkSourceOptions options_;
  tasks::TalkMaterial material_;
};

}  // namespace

Document talk_document(const tasks::Talk& talk, bool is_thinking, bool learn_prompts) {
  Document document;
  const auto control = [&](std::string_view token, bool counts) {
    document.parts.push_back({std::string(token), true, counts, {}});
  };
  const auto text = [&](std::string content, bool counts) {
    document.parts.push_back({std::move(content), false, counts, {}});
  };
  control(ControlTokens::kBos, learn_prompts);
  for (const tasks::TalkTurn& turn : talk.turns) {
    control(ControlTokens::kUser, learn_prompts);
    text(turn.user, learn_prompts);
    control(ControlTokens::kAssistant, learn_prompts);
    if (is_thinking && &turn == &talk.turns.back()) {
      control(ControlTokens::kThink, true);
      if (turn.thought.empty()) {
        // Apart, as the first belongs to the prompt where R1's template opens the thought.
        text("\n", true);
        text("\n", true);
      } else {
        text("\n" + turn.thought + "\n", true);
      }
      control(ControlTokens::kEndThink, true);
      text("\n\n" + turn.answer, true);
    } else {
      text(turn.answer, true);
    }
    control(ControlTokens::kEos, true);
  }
  return document;
}

Result<std::unique_ptr<DocumentSource>> open_talk_source(const TalkSourceOptions& options) {
  SPUTNIK_TRY(tasks::TalkMaterial material, tasks::TalkMaterial::load(options.path));
  return std::unique_ptr<DocumentSource>(
      std::make_unique<TalkSource>(options, std::move(material)));
}

}  // namespace sputnik
