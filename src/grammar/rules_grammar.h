// What every Grammar is.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "grammar/matcher.h"
#include "grammar/program.h"

namespace sputnik::grammar {

class RulesGrammar : public Grammar {
 public:
  explicit RulesGrammar(RuleSet rules) : rules_(std::move(rules)) {}

  // Compiles at once, so that errors come to light where the grammar is made.
  static Result<GrammarPtr> create(RuleSet rules);

  const RuleSet& rules() const { return rules_; }

  // Errors of compile().
  Result<void> check() const;
  // Constraints of one grammar and vocabulary share what they learn. Errors as compile().
  Result<std::shared_ptr<Matcher>> matcher(std::shared_ptr<const Vocabulary> vocabulary) const;

 private:
  Result<std::shared_ptr<const Program>> program() const;

  RuleSet rules_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Program> program_;
  mutable std::shared_ptr<const Vocabulary> last_vocabulary_;
  mutable std::shared_ptr<Matcher> last_matcher_;
};

GrammarPtr make_grammar(ExprPtr root);

// Any text without these strings that does not begin with one of these bytes.
GrammarPtr text_beginning_without(std::string_view first_bytes,
                                  const std::vector<std::string>& strings);

}  // namespace sputnik::grammar
