// An answer from anybody, in every form: where it is cut makes no difference to what is found.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "chat/tool_call_parser.h"

namespace {

using namespace sputnik::chat;

void add(std::vector<ToolEvent>& all, std::span<const ToolEvent> events) {
  for (const ToolEvent& event : events) {
    const bool joins =
        event.kind == ToolEvent::Kind::kContent || event.kind == ToolEvent::Kind::kArguments;
    if (joins && !all.empty() && all.back().kind == event.kind) {
      all.back().text += event.text;
    } else {
      all.push_back(event);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto kind : {ToolCallFormat::Kind::kTagged, ToolCallFormat::Kind::kLlama}) {
    ToolCallFormat format;
    format.kind = kind;
    ToolCallParser whole(format), single(format);
    std::vector<ToolEvent> expected, actual;
    add(expected, whole.feed_text(text));
    add(expected, whole.finish());
    for (const char& c : text) add(actual, single.feed_text({&c, 1}));
    add(actual, single.finish());
    SPUTNIK_ASSERT(expected == actual);
    int n_open = 0;
    for (const ToolEvent& event : expected) {
      n_open += event.kind == ToolEvent::Kind::kCallBegin;
      SPUTNIK_ASSERT(event.kind == ToolEvent::Kind::kContent ? n_open == 0 : n_open == 1);
      n_open -= event.kind == ToolEvent::Kind::kCallEnd;
    }
    SPUTNIK_ASSERT(n_open == 0);
  }
  return 0;
}
