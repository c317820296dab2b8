// Small talk as documents.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/result.h"
#include "tasks/talk.h"
#include "train/document_source.h"

namespace sputnik {

struct TalkSourceOptions {
  std::filesystem::path path;  // of the material
  // How often the last answer stands behind a thought, as R1's template makes a model answer: a
  // thought that the material gives it, or else an empty one. Otherwise it follows the mark of the
  // assistant at once, as earlier answers do, whose thoughts that template drops.
  double thinking_share = 0.6;
  bool learn_prompts = true;
  std::uint64_t first_seed = 0;  // of talk 0: its index is added
};

// Talks of the training split. Errors name the file and line of the material.
Result<std::unique_ptr<DocumentSource>> open_talk_source(const TalkSourceOptions& options);

// How a talk is spelled.
Document talk_document(const tasks::Talk& talk, bool is_thinking, bool learn_prompts);

}  // namespace sputnik
