// Every family; families.cpp puts them in order.
#pragma once

#include "tasks/task.h"

namespace sputnik::tasks {

extern const Family kChainSum, kAddition, kSubtraction, kMultiplication, kExpression, kGcdLcm,
    kLinearEquation, kCountdown, kCounting, kQuantities, kStoryProblem, kSorting, kSpellBackward,
    kLetterCount, kCaesar, kBoolean, kKnights, kShuffledObjects, kOrdering;

extern const Family kLongDivision, kFractions, kPrimeFactors, kBaseConversion, kClock,
    kLinearSystem, kNumberSequence, kGame24, kMakeChange, kUnitConversion, kListStatistics,
    kRewriting, kSyllogism, kGridWalk, kFamilyRelations, kShortestPath, kTaskOrder, kBinary,
    kProbability, kDates, kRetrieval;

extern const Family kFiltering, kBrackets, kProgramOutput;

}  // namespace sputnik::tasks
