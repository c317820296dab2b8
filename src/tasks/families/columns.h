// Written arithmetic with single digits, as a teacher does it on paper: shared by the families.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tasks/item.h"

namespace sputnik::tasks {

constexpr Domain kPlain = Domain::kPlain, kShop = Domain::kShop, kSchool = Domain::kSchool,
                 kFarm = Domain::kFarm, kKitchen = Domain::kKitchen, kTravel = Domain::kTravel,
                 kHarbour = Domain::kHarbour;

// Ones first. At least one digit; not negative.
std::vector<int> digits_of(std::int64_t value);

// "Ones", "Tens", ...; ones is 0.
std::string_view place_name(std::size_t place);

// A number of exactly so many digits.
std::int64_t number_with_digits(Draw& draw, int digits);

// Column by column from the right, with carries.
void add_in_columns(Item& item, std::int64_t a, std::int64_t b);

// a >= b >= 0, with borrows.
void subtract_in_columns(Item& item, std::int64_t a, std::int64_t b);

}  // namespace sputnik::tasks
