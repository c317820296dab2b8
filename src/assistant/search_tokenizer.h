// How texts are cut into words for search: as SQLite's unicode61 does, and each Chinese, Japanese
// or Korean character by itself, since no space tells their words apart. A search for several of
// them in a row is a search for a phrase.
#pragma once

#include "base/result.h"

struct sqlite3;

namespace sputnik::assistant {

// Makes the tokenizer "sputnik" known to a connection.
Result<void> add_search_tokenizer(sqlite3* database);

}  // namespace sputnik::assistant
