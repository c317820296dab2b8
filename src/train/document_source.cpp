#include "train/document_source.h"

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>

#include "base/rng.h"
#include "train/text_file.h"

namespace sputnik {
namespace {

Document::Part control(std::string_view token, bool counts = true) {
  return {std::string(token), true, counts, {}};
}

Document::Part text(std::string_view content, bool counts = true) {
  return {std::string(content), false, counts, {}};
}

// Every pass over n documents has an order of its own.
std::uint64_t place_of(std::uint64_t index, std::uint64_t n, std::uint64_t seed) {
  const std::uint64_t pass = index / n;
  return shuffled(index % n, n, Rng(seed ^ Rng(pass).next()).next());
}

class TextSource final : public DocumentSource {
 public:
  TextSource(std::vector<std::string> documents, std::uint64_t seed)
      : documents_(std::move(documents)), seed_(seed) {}

  Document document(std::uint64_t index) const override {
    Document document;
    document.parts = {control(ControlTokens::kBos),
                      text(documents_[place_of(index, documents_.size(), seed_)]),
                      control(ControlTokens::kEos)};
    document.is_plain = true;
    return document;
  }

 private:
  std::vector<std::string> documents_;
  std::uint64_t seed_;
};

// What a user and an assistant said, [is the user's, text] in turns.
using Dialogue = std::vector<std::pair<bool, std::string>>;

class DialogueSource final : public DocumentSource {
 public:
  DialogueSource(std::vector<Dialogue> dialogues, std::uint64_t seed, bool learn_prompts)
      : dialogues_(std::move(dialogues)), seed_(seed), learn_prompts_(learn_prompts) {}

  Document document(std::uint64_t index) const override {
    Document document;
    document.parts.push_back(control(ControlTokens::kBos, learn_prompts_));
    for (const auto& [is_user, content] : dialogues_[place_of(index, dialogues_.size(), seed_)]) {
      const bool counts = learn_prompts_ || !is_user;
      document.parts.push_back(
          control(is_user ? ControlTokens::kUser : ControlTokens::kAssistant, learn_prompts_));
      document.parts.push_back(text(content, counts));
      if (!is_user) document.parts.push_back(control(ControlTokens::kEos));
    }
    return document;
  }

 private:
  std::vector<Dialogue> dialogues_;
  std::uint64_t seed_;
  bool learn_prompts_;
};

class TaskSource final : public DocumentSource {
 public:
  explicit TaskSource(TaskSourceOptions options) : options_(std::move(options)) {
    SPUTNIK_ASSERT(!options_.families.empty() && options_.max_level >= 1);
  }

  Document document(std::uint64_t index) const override {
    const std::uint64_t seed = options_.first_seed + index;
    Rng rng(seed);
    const tasks::Family& family = *options_.families[rng.next() % options_.families.size()];
    const auto n_levels = static_cast<std::uint64_t>(std::min(options_.max_level, family.n_levels));
    const int level = 1 + static_cast<int>(rng.next() % n_levels);
    const double form = rng.uniform();
    const tasks::Task task = tasks::generate({&family, level, seed, tasks::Split::kTrain});

    const bool learn = options_.learn_prompts;
    Document document;
    document.parts = {control(ControlTokens::kBos, learn), control(ControlTokens::kUser, learn),
                      text(task.prompt, learn), control(ControlTokens::kAssistant, learn)};
    const bool is_long = form < options_.long_share;
    const bool is_corrected = !is_long && form < options_.long_share + options_.corrected_share;
    if (is_long || is_corrected) {
      // The line breaks are those of R1's template.
      Document::Part thought =
          text("\n" + (is_long ? task.thought : task.corrected_thought) + "\n");
      if (is_corrected) {
        for (const tasks::ByteRange& range : task.mistakes)
          thought.mistakes.push_back({range.begin + 1, range.end + 1});
      }
      document.parts.push_back(control(ControlTokens::kThink));
      document.parts.push_back(std::move(thought));
      document.parts.push_back(control(ControlTokens::kEndThink));
      document.parts.push_back(text("\n\n" + task.answer));
    } else {
      document.parts.push_back(text(task.answer));
    }
    document.parts.push_back(control(ControlTokens::kEos));
    return document;
  }

 private:
  TaskSourceOptions options_;
};

constexpr std::string_view kSeparator = "<|doc|>";

std::vector<std::string> split_documents(std::string_view content) {
  std::vector<std::string> documents;
  std::string document;
  const auto finish = [&] {
    while (!document.empty() && document.back() == '\n') document.pop_back();
    if (!document.empty()) documents.push_back(std::move(document));
    document.clear();
  };
  while (!content.empty()) {
    const std::size_t end = std::min(content.find('\n'), content.size());
    std::string_view line = content.substr(0, end);
    content.remove_prefix(std::min(end + 1, content.size()));
    if (line == kSeparator || (line.ends_with('\r') && line.substr(0, end - 1) == kSeparator)) {
      finish();
    } else {
      document.append(line) += '\n';
    }
  }
  finish();
  return documents;
}

// False: these are not turns that begin with the user's and alternate.
bool read_turns(const nlohmann::json& turns, Dialogue& dialogue) {
  if (!turns.is_array() || turns.size() < 2) return false;
  for (const auto& turn : turns) {
    if (!turn.is_array() || turn.size() != 2 || !turn[0].is_string() || !turn[1].is_string())
      return false;
    const bool is_user = turn[0] == "user";
    if (!is_user && turn[0] != "assistant") return false;
    if (is_user != (dialogue.size() % 2 == 0)) return false;
    dialogue.emplace_back(is_user, turn[1].get<std::string>());
  }
  return true;
}

}  // namespace

// A Feistel network over the next power of four, walked until the number is below n.
std::uint64_t shuffled(std::uint64_t i, std::uint64_t n, std::uint64_t seed) {
  SPUTNIK_ASSERT(i < n);
  const int half = (static_cast<int>(std::bit_width(n - 1)) + 1) / 2;
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  do {
    std::uint64_t left = i >> half, right = i & mask;
    for (std::uint64_t round = 0; round < 4; ++round) {
      const std::uint64_t mixed = Rng(seed + (right << 2 | round) * 0x9e3779b97f4a7c15u).next();
      const std::uint64_t next = left ^ (mixed & mask);
      left = right;
      right = next;
    }
    i = left << half | right;
  } while (i >= n);
  return i;
}

Result<std::unique_ptr<DocumentSource>> open_text_source(const std::filesystem::path& path,
                                                         std::uint64_t seed) {
  SPUTNIK_TRY(const std::string content, read_text_file(path));
  auto documents = split_documents(content);
  if (documents.empty()) return invalid_argument("{}: there is no document", path.string());
  return std::unique_ptr<DocumentSource>(std::make_unique<TextSource>(std::move(documents), seed));
}

Result<std::unique_ptr<DocumentSource>> open_dialogue_source(const std::filesystem::path& path,
                                                             std::uint64_t seed,
                                                             bool learn_prompts) {
  SPUTNIK_TRY(const std::string content, read_text_file(path));
  std::vector<Dialogue> dialogues;
  std::string_view rest = content;
  for (std::int64_t line = 1; !rest.empty(); ++line) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (text.empty()) continue;
    const auto parsed = nlohmann::json::parse(text, nullptr, false);
    Dialogue dialogue;
    const bool is_read =
        parsed.is_object() && parsed.contains("turns") && read_turns(parsed["turns"], dialogue);
    if (!is_read) {
      return corrupt(
          "{}: line {} is not {{\"turns\": [[\"user\", text], [\"assistant\", text], ...]}}",
          path.string(), line);
    }
    dialogues.push_back(std::move(dialogue));
  }
  if (dialogues.empty()) return invalid_argument("{}: there is no dialogue", path.string());
  return std::unique_ptr<DocumentSource>(
      std::make_unique<DialogueSource>(std::move(dialogues), seed, learn_prompts));
}

std::unique_ptr<DocumentSource> make_task_source(TaskSourceOptions options) {
  return std::make_unique<TaskSource>(std::move(options));
}

}  // namespace sputnik
