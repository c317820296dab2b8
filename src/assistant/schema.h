// The tables of the store, as the steps that led to them. Steps that were published never change.
#pragma once

#include "assistant/database.h"

namespace sputnik::assistant {

Migrations store_migrations();

}  // namespace sputnik::assistant
