// Whatever the body: an error that says where, or a request within its bounds.
#include <cstdint>

#include "server/gemini/gemini_request.h"
#include "server/protocol_fuzz_testing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sputnik::server;
  const HttpRequest http = fuzzed_request(data, size);
  check_fuzzed(gemini::read_content_request(http, "models/tiny"));
  check_fuzzed(gemini::read_count_request(http, "tiny"));
  (void)gemini::read_embed_request(http).ok();
  return 0;
}
