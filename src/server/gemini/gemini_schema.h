// Google's Schema, which is not quite JSON Schema, and the other way round.
#pragma once

#include <string>

#include "server/common/json_reader.h"

namespace sputnik::server::gemini {

// Types in lower case, "nullable" as a type of its own, counts as numbers, properties in the order
// of propertyOrdering; what only Google knows is left out. JSON text.
chat::OrderedJson json_schema_of(const chat::OrderedJson& schema);

}  // namespace sputnik::server::gemini
