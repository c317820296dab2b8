// The material that ships, for tests.
#pragma once

#include "tasks/talk.h"

namespace sputnik::tasks {

// Read once.
const TalkMaterial& shipped_talk();

// A material of one file.
Result<TalkMaterial> parse_talk(std::string_view text);

}  // namespace sputnik::tasks
