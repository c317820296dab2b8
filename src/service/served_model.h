// A model with all that is needed to talk to it.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "chat/template.h"
#include "engine/engine.h"
#include "grammar/constraint.h"
#include "model/loader.h"
#include "service/service.h"
#include "tokenizer/tokenizer.h"

namespace sputnik::service {

// 64 hexadecimal digits that tell one model file or folder from another: BLAKE2b-256 of the sizes
// of all its files, and of their bytes where they are at most 64 MiB; of larger ones the first 16
// MiB, which hold all names and shapes, and 64 KiB of every 16 MiB after that. Seconds for hundreds
// of gigabytes. Not a proof against somebody who changes other bytes: that is what verifying a
// download is for.
Result<std::string> model_digest(const std::filesystem::path& path);

// Tokens that ask for the middle between two texts.
struct FimTokens {
  std::int32_t prefix, suffix, middle;  // each stands before its part; the middle comes last
};
std::optional<FimTokens> fim_tokens(const Tokenizer& tokenizer);

// Borrowed by whoever serves it. All but engine() may be used by any thread at a time.
class ServedModel {
 public:
  ServedModel(LoadedModel loaded, Tokenizer tokenizer, const chat::ChatTemplate& chat_template,
              std::string digest, const std::filesystem::path& path);

  // For one thread.
  Result<void> start_engine(const EngineOptions& options);
  Engine& engine() { return *engine_; }

  const ModelCard& card() const { return card_; }
  const Tokenizer& tokenizer() const { return tokenizer_; }
  const chat::ChatTemplate& chat_template() const { return template_; }
  const ModelInfo& info() const { return loaded_.info; }
  std::int64_t context_length() const { return card_.context_length; }
  const std::optional<FimTokens>& fim() const { return fim_; }
  // Equal for models, templates, kernels and arithmetic that give equal answers.
  const std::string& fingerprint() const { return fingerprint_; }
  const std::string& kernels() const { return kernels_; }

  // Made when it is first asked for.
  std::shared_ptr<const grammar::Vocabulary> vocabulary() const;

 private:
  LoadedModel loaded_;
  Tokenizer tokenizer_;
  chat::ChatTemplate template_;
  ModelCard card_;
  std::optional<FimTokens> fim_;
  std::string fingerprint_, kernels_;
  std::unique_ptr<Engine> engine_;  // borrows loaded_

  mutable std::once_flag vocabulary_made_;
  mutable std::shared_ptr<const grammar::Vocabulary> vocabulary_;
};

}  // namespace sputnik::service
