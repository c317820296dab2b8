// Journals of any bytes: read or refused, never more than that.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/assert.h"
#include "service/journal.h"
#include "service/request_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sputnik::service;
  const auto content = read_journal({reinterpret_cast<const char*>(data), size});
  if (!content.ok()) return 0;
  const GenerateRequest& request = content.value().head.request;
  // What was read is written and read again as the same.
  const auto json = request_to_json(request);
  const auto again = request_from_json(json);
  SPUTNIK_ASSERT(again.ok() && request_to_json(again.value()) == json);
  for (const JournalContent::Line& line : content.value().lines) {
    SPUTNIK_ASSERT(line.choice >= 0 && line.choice < request.n);
    SPUTNIK_ASSERT(line.finish || line.token.id >= 0);
  }
  return 0;
}
