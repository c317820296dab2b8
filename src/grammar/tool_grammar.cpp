#include "grammar/tool_grammar.h"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

#include "grammar/rules_grammar.h"

namespace sputnik::grammar {
namespace {

using chat::Tool;
using chat::ToolCallFormat;
using chat::ToolMark;
using Kind = ToolCallFormat::Kind;

constexpr std::size_t kMaxTools = 128;
constexpr int kMaxCalls = 32;  // of one answer
constexpr std::size_t kMaxNameBytes = 128;

// Names stand in calls as they are, quoted or not.
bool is_name(std::string_view name) {
  const auto is_name_char = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == ':' || c == '/';
  };
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::all_of(name.begin(), name.end(), is_name_char);
}

class CallWriter {
 public:
  explicit CallWriter(const ToolCallFormat& format) : format_(format) {}

  // A model may be used to the token, or may have learned the text from its prompt.
  GrammarPtr mark(ToolMark which) const {
    const std::string text(chat::text_of(which));
    const auto id = format_.id_of(which);
    if (!id) return sequence({text});
    const GrammarPtr by_id = sequence({Token{*id}});
    if (format_.template_writes_calls) return by_id;
    return one_of({by_id, sequence({text})});
  }

  GrammarPtr call(const std::string& name, const GrammarPtr& arguments) const {
    switch (format_.kind) {
      case Kind::kTagged:
        return sequence({mark(ToolMark::kTaggedBegin),
                         "\n{\"name\": \"" + name + "\", \"arguments\": ", arguments,
                         std::string("}\n"), mark(ToolMark::kTaggedEnd)});
      case Kind::kDeepseekFenced:
        return sequence({mark(ToolMark::kCallBegin), std::string("function"),
                         mark(ToolMark::kSeparator), name + "\n```json\n", arguments,
                         std::string("\n```"), mark(ToolMark::kCallEnd)});
      case Kind::kDeepseek:
        return sequence({mark(ToolMark::kCallBegin), name, mark(ToolMark::kSeparator), arguments,
                         mark(ToolMark::kCallEnd)});
      case Kind::kLlama:
        return sequence(
            {"{\"name\": \"" + name + "\", \"parameters\": ", arguments, std::string("}")});
    }
    return nullptr;
  }

  // One call, or up to most of them.
  GrammarPtr calls(const GrammarPtr& call, int most) const {
    const bool is_deepseek =
        format_.kind == Kind::kDeepseek || format_.kind == Kind::kDeepseekFenced;
    const std::string between = format_.kind == Kind::kDeepseek ? "" : "\n";
    GrammarPtr all = call;
    if (most > 1) all = sequence({call, repeat(sequence({between, call}), 0, most - 1)});
    if (!is_deepseek) return all;
    return sequence({mark(ToolMark::kCallsBegin), all, mark(ToolMark::kCallsEnd)});
  }

  // Text in which the parser finds no call, and behind which it finds the first one.
  Result<GrammarPtr> text() const {
    std::vector<std::string> marks;
    for (const ToolMark which : chat::opening_marks()) marks.emplace_back(chat::text_of(which));
    if (format_.kind != Kind::kLlama) return text_without({}, std::move(marks));
    // A Llama's answer is a call if it begins with a bracket.
    SPUTNIK_TRY(GrammarPtr space, regex("[ \\t\\r\\n]{0,8}"));
    return sequence({std::move(space), text_beginning_without("{ \t\r\n", marks)});
  }

 private:
  const ToolCallFormat& format_;
};

Result<GrammarPtr> arguments_of(const Tool& tool, bool is_forced) {
  if (!tool.strict && !is_forced) return json_object();
  auto grammar = json_schema(
      tool.parameters.empty() ? R"({"type":"object","properties":{},"additionalProperties":false})"
                              : std::string_view(tool.parameters));
  if (grammar.ok() || tool.strict || grammar.error().code != ErrorCode::kUnsupported)
    return grammar;
  return json_object();
}

}  // namespace

Result<GrammarPtr> tool_call_grammar(const ToolCallFormat& format, std::span<const Tool> tools,
                                     const ToolChoice& choice, bool parallel) {
  if (tools.empty()) return invalid_argument("there are no tools to call");
  if (tools.size() > kMaxTools)
    return invalid_argument("{} tools, at most {} are possible", tools.size(), kMaxTools);
  const bool is_named = choice.kind == ToolChoice::Kind::kNamed;
  const bool is_forced = choice.kind != ToolChoice::Kind::kAuto;
  const CallWriter writer(format);
  std::vector<GrammarPtr> alternatives;
  std::unordered_set<std::string_view> names;
  for (const Tool& tool : tools) {
    if (!is_name(tool.name)) return invalid_argument("\"{}\" is no name", tool.name.substr(0, 60));
    if (!names.insert(tool.name).second)
      return invalid_argument("two tools are named \"{}\"", tool.name);
    if (is_named && tool.name != choice.name) continue;
    auto arguments = arguments_of(tool, is_forced);
    if (!arguments.ok()) return std::move(arguments).error().in("tool " + tool.name);
    alternatives.push_back(writer.call(tool.name, arguments.value()));
  }
  if (alternatives.empty())
    return invalid_argument("there is no tool \"{}\" to be called", choice.name.substr(0, 60));
  const int most = parallel && format.parallel && !is_named ? kMaxCalls : 1;
  const GrammarPtr calls = writer.calls(one_of(std::move(alternatives)), most);
  if (is_forced) return checked(calls);
  SPUTNIK_TRY(GrammarPtr text, writer.text());
  if (format.kind == Kind::kLlama) return checked(one_of({std::move(text), calls}));
  return checked(sequence({std::move(text), repeat(calls, 0, 1)}));
}

}  // namespace sputnik::grammar
