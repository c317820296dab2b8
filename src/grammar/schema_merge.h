// Parts of JSON Schema that are settled before anything is compiled.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/ordered_json.h"

namespace sputnik::grammar {

using chat::OrderedJson;

// Keywords that say nothing about which values are valid.
bool is_annotation(std::string_view keyword);

// The place that a "$ref" names: "#", "#/$defs/a". kInvalidArgument: there is none; kUnsupported:
// another document, or a name instead of a path.
Result<const OrderedJson*> resolve_ref(const OrderedJson& document, std::string_view ref);

// One schema that says what all of these say, for objects whose parts do not overlap. References
// among them are followed. kUnsupported: they overlap in a way that this cannot express.
Result<OrderedJson> merged(const OrderedJson& document, const std::vector<const OrderedJson*>& all);

// No value satisfies both: of different types, of different constants, or objects that must have a
// member of which that is true. False: not known.
bool are_disjoint(const OrderedJson& document, const OrderedJson& a, const OrderedJson& b,
                  int depth = 0);

// The types that "type", or what else stands in a schema, leave: JSON's names, and "integer".
std::vector<std::string> types_of(const OrderedJson& schema);

// The same JSON value. Numbers are compared as they are written.
bool equal(const OrderedJson& a, const OrderedJson& b);

}  // namespace sputnik::grammar
