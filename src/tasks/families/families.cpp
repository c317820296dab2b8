#include "tasks/families/families.h"

#include <array>

namespace sputnik::tasks {

std::span<const Family* const> families() {
  static constexpr std::array kFamilies = {
      // For the shipped model.
      &kChainSum, &kAddition, &kSubtraction, &kMultiplication, &kExpression, &kGcdLcm,
      &kLinearEquation, &kCountdown, &kCounting, &kQuantities, &kStoryProblem, &kSorting,
      &kSpellBackward, &kLetterCount, &kCaesar, &kBoolean, &kKnights, &kShuffledObjects, &kOrdering,
      // For larger runs.
      &kLongDivision, &kFractions, &kPrimeFactors, &kBaseConversion, &kClock, &kLinearSystem,
      &kNumberSequence, &kGame24, &kMakeChange, &kUnitConversion, &kListStatistics, &kRewriting,
      &kSyllogism, &kGridWalk, &kFamilyRelations, &kShortestPath, &kTaskOrder, &kBinary,
      &kProbability, &kDates, &kRetrieval,
      // Never trained.
      &kFiltering, &kBrackets, &kProgramOutput};
  return kFamilies;
}

}  // namespace sputnik::tasks
