#pragma once
// Grouped queries: several heads query one key-value head, whose score belongs to all of them.

#include <cstdint>
#include <string>
#include <vector>

#include "store/axis_coordinates.hpp"

namespace explaind {

/// An axis of which some stored entries are divided into portions. A portion is an entry of the
/// axis with its own coordinates; the portions of a stored entry follow each other.
struct DividedAxis {
  AxisCoordinates coordinates;
  std::vector<size_t> place;  ///< per portion: the stored entry
  std::vector<double> share;  ///< per portion: how much of the stored score it has
  std::string words;          ///< what was done
};

/// Divides every key-value head of the component axis equally among the n heads of its layer that
/// query it: one portion of 1/n for each, whose `head` is that head's. n is what the store's
/// coordinates say of the layer: its heads over its key-value heads.
///
/// axis: whole, as it was read from the store. Throws UsageError where the variable has no
/// components or is no score; where scores were not stored by head, or no heads are shared; and
/// where the heads of a layer are not known to be complete, so that n cannot be told.
DividedAxis share_key_value_heads(const StoreReader& store, const StoredVariable& variable,
                                  const AxisCoordinates& axis);

}  // namespace explaind
