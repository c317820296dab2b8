#include "grammar/constraint.h"

#include <utility>

#include "grammar/rules_grammar.h"

namespace sputnik::grammar {
namespace {

class MatcherConstraint : public TokenConstraint {
 public:
  MatcherConstraint(std::shared_ptr<Matcher> matcher, Matcher::PlacePtr place)
      : matcher_(std::move(matcher)), place_(std::move(place)) {}

  void allowed(std::span<std::uint64_t> mask) override { matcher_->allowed(*place_, mask); }
  void accept(std::int32_t id) override {
    const bool was_allowed = matcher_->accept(*place_, id);
    SPUTNIK_ASSERT(was_allowed);
  }
  bool complete() const override { return matcher_->complete(*place_); }
  std::unique_ptr<TokenConstraint> clone() const override {
    return std::make_unique<MatcherConstraint>(matcher_, matcher_->copy(*place_));
  }

 private:
  std::shared_ptr<Matcher> matcher_;
  Matcher::PlacePtr place_;
};

const RulesGrammar& impl(const Grammar& grammar) {
  return static_cast<const RulesGrammar&>(grammar);
}

ExprPtr part_expr(Part part) {
  if (const auto* text = std::get_if<std::string>(&part)) return literal(*text);
  if (const auto* control = std::get_if<Token>(&part)) return token(control->id);
  return nested(std::get<GrammarPtr>(std::move(part)));
}

}  // namespace

const RuleSet& rule_set(const Grammar& grammar) {
  return impl(grammar).rules();
}

GrammarPtr make_grammar(ExprPtr root) {
  return std::make_shared<RulesGrammar>(RuleSet{std::move(root), {}});
}

Result<GrammarPtr> RulesGrammar::create(RuleSet rules) {
  auto grammar = std::make_shared<RulesGrammar>(std::move(rules));
  SPUTNIK_CHECK_OK(grammar->check());
  return GrammarPtr(std::move(grammar));
}

Result<void> RulesGrammar::check() const {
  if (auto compiled = program(); !compiled.ok()) return std::move(compiled).error();
  return ok_result();
}

Result<std::shared_ptr<const Program>> RulesGrammar::program() const {
  const std::lock_guard lock(mutex_);
  if (program_ == nullptr) {
    SPUTNIK_TRY(Program program, compile(rules_));
    program_ = std::make_shared<const Program>(std::move(program));
  }
  return program_;
}

Result<std::shared_ptr<Matcher>> RulesGrammar::matcher(
    std::shared_ptr<const Vocabulary> vocabulary) const {
  SPUTNIK_TRY(auto compiled, program());
  const std::lock_guard lock(mutex_);
  if (last_vocabulary_ != vocabulary) {
    last_matcher_ = std::make_shared<Matcher>(std::move(compiled), vocabulary);
    last_vocabulary_ = std::move(vocabulary);
  }
  return last_matcher_;
}

GrammarPtr sequence(std::vector<Part> parts) {
  std::vector<ExprPtr> exprs;
  for (Part& part : parts) exprs.push_back(part_expr(std::move(part)));
  return make_grammar(seq(std::move(exprs)));
}

GrammarPtr one_of(std::vector<GrammarPtr> alternatives) {
  std::vector<ExprPtr> exprs;
  // Their roots stand here themselves where that is possible, so that alternatives that begin alike
  // share their beginnings.
  for (GrammarPtr& grammar : alternatives) {
    const RuleSet& rules = rule_set(*grammar);
    exprs.push_back(rules.rules.empty() ? rules.root : nested(std::move(grammar)));
  }
  return make_grammar(choice(std::move(exprs)));
}

GrammarPtr repeat(GrammarPtr grammar, int at_least, int at_most) {
  SPUTNIK_ASSERT(at_least >= 0 && (at_most < 0 || at_most >= at_least));
  return make_grammar(repeated(nested(std::move(grammar)), at_least, at_most));
}

// Control tokens stand in no text at all, so that those named need no more than that.
GrammarPtr text_without(std::vector<std::int32_t>, std::vector<std::string> strings) {
  return text_beginning_without({}, strings);
}

Result<GrammarPtr> checked(GrammarPtr grammar) {
  SPUTNIK_CHECK_OK(impl(*grammar).check());
  return grammar;
}

std::unique_ptr<TokenConstraint> constrain(GrammarPtr grammar,
                                           std::shared_ptr<const Vocabulary> vocabulary) {
  auto matcher = impl(*grammar).matcher(std::move(vocabulary));
  SPUTNIK_ASSERT(matcher.ok());
  auto place = matcher.value()->begin();
  return std::make_unique<MatcherConstraint>(std::move(matcher).value(), std::move(place));
}

}  // namespace sputnik::grammar
