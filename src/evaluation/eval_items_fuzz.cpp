// Files of items: parsing, and judging what a model might say to them.
#include <cstddef>
#include <cstdint>

#include "evaluation/item.h"
#include "evaluation/report_html.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sputnik::evaluation;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto items = parse_items(text, "suite", size % 2 == 0);
  if (!items.ok()) return 0;
  for (const Item& item : items.value()) {
    if (item.kind == AnswerKind::kCode) continue;
    Response response;
    response.answer = "\\boxed{" + item.answer + "}";
    (void)grade(item, response, nullptr);
    (void)html_escaped(item.question);
  }
  return 0;
}
